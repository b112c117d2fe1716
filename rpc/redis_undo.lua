-- Runs commands so that all of them are applied or none. MULTI cannot do that: it goes on behind a command that fails.
--   KEYS     the keys that the commands before the last one write
--   ARGV[1]  how many bytes these may have together
--   then, for each command: how many words it has, and the words
-- Returns {1, replies}, {0, number of the command that failed, its error}, or {-1} if nothing was run because the values
-- are too large to be kept aside, or may not be.
local kept, total = {}, 0
for i, key in ipairs(KEYS) do
  local size = redis.pcall('MEMORY', 'USAGE', key, 'SAMPLES', 5)
  if type(size) == 'number' then
    total = total + size
  end
  if total > tonumber(ARGV[1]) then
    return {-1}
  end
end
for i, key in ipairs(KEYS) do
  local value = redis.pcall('DUMP', key)
  if type(value) == 'table' then
    return {-1}
  end
  kept[i] = {value, redis.call('PTTL', key)}
end

local replies, at, number = {}, 2, 0
while ARGV[at] do
  local words = tonumber(ARGV[at])
  number = number + 1
  local reply = redis.pcall(unpack(ARGV, at + 1, at + words))
  if type(reply) == 'table' and reply.err then
    for i, key in ipairs(KEYS) do
      local value, ttl = kept[i][1], kept[i][2]
      if value then
        redis.call('RESTORE', key, ttl < 0 and 0 or math.max(ttl, 1), value, 'REPLACE')
      else
        redis.call('DEL', key)
      end
    end
    return {0, number, reply.err}
  end
  if type(reply) == 'number' and math.abs(reply) >= 2^53 then -- Lua has only about so many digits
    local name = ARGV[at + 1]
    if name == 'HINCRBY' then
      reply = redis.call('HGET', ARGV[at + 2], ARGV[at + 3])
    elseif name == 'INCR' or name == 'INCRBY' or name == 'DECR' or name == 'DECRBY' then
      reply = redis.call('GET', ARGV[at + 2])
    end
  end
  replies[number] = reply
  at = at + words + 1
end
return {1, replies}
