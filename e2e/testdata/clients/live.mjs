// What the TypeScript client does with a real server. Arguments: the client's folder, the server, a key, its signing secret.
import assert from 'node:assert/strict';

const [folder, url, key, signingSecret] = process.argv.slice(2);
const {Gaff, GaffError} = await import(`${folder}/dist/index.js`);
const gaff = new Gaff({url, key, signingSecret});

// Methods: the worked examples.
const redis = gaff.redis();
const board = 'board:ts';
assert.equal(await redis.call('ZADD', board, 10, 'ann', 30, 'bob', 20, 'cid'), 3);
assert.deepEqual(await redis.hook('topUsers', {keys: [board], args: [2]}), ['bob', 'cid']);
assert.deepEqual(await redis.topUsers(board, 1), ['bob']);
assert.deepEqual(await redis.cacheUser('ts', '{"name":"Ann"}'), ['OK', 1]);
const [user, ttl] = await redis.multi([['GET', 'user:ts'], ['TTL', 'user:ts']]);
assert.ok(user === '{"name":"Ann"}' && ttl > 3000 && ttl <= 3600);
assert.deepEqual(await redis.pipeline([['PING'], ['ECHO', 'x']]), ['PONG', 'x']);
const postgres = gaff.postgres();
await postgres.addUser(100, "o'hara@x; drop table users", 1);
assert.deepEqual((await postgres.hook('activeUsers', {params: [30]})).rows.find((r) => r.id === 100).email, "o'hara@x; drop table users");
assert.equal((await postgres.query('select $1::int8 v', ['9007199254740993'])).rows[0].v, '9007199254740993');
const moved = await postgres.transaction([{sql: 'select 1 a'}, {sql: 'select $1::text b', params: ['x']}]);
assert.deepEqual(moved.map((r) => r.rows), [[{a: 1}], [{b: 'x'}]]);
assert.deepEqual((await gaff.mysql().version()).fields, ['v']);
assert.equal((await gaff.service('math').add(1, 2)).sum, 3);

// Errors have codes.
const failed = (call) => call.then(() => assert.fail('no error'), (e) => (assert.ok(e instanceof GaffError), e));
assert.equal((await failed(redis.nobody())).code, 'HOOK_NOT_FOUND');
assert.equal((await failed(gaff.service('math').refuse())).status, 418);
const taken = await failed(postgres.addUser(100, 'again', 0));
assert.equal(taken.code, 'CONFLICT');
assert.equal(taken.details.sqlstate, '23505');
assert.equal((await failed(redis.call('FLUSHALL'))).code, 'FORBIDDEN');
assert.equal((await failed(new Gaff({url, key}).redis().call('PING'))).code, 'UNAUTHORIZED');
assert.equal((await failed(new Gaff({url, key, signingSecret: 'gaffsig_other'}).redis().call('PING'))).code, 'UNAUTHORIZED');

// Documents.
const customers = gaff.collection('customer-ts');
const ann = await customers.create({name: 'Ann', age: 41});
assert.equal((await customers.get(ann._id)).name, 'Ann');
assert.equal((await customers.update(ann._id, {age: 42}))._version, 1);
await customers.replace(ann._id, {name: 'Anna', age: 42});
await customers.create({name: 'Bo', age: 7});
assert.deepEqual((await customers.find({age: {$gte: 18}}, {$orderby: {age: -1}})).map((c) => c.name), ['Anna']);
await customers.delete(ann._id);
assert.equal((await failed(customers.get(ann._id))).code, 'NOT_FOUND');
assert.equal((await customers.deleteWhere({age: 7})).length, 1);

// Events.
const verdict = await gaff.events.ask('redis', 'topUsers', {message: {keys: [board], args: [101]}});
assert.equal(verdict.status, 403);
assert.equal(typeof (await gaff.events.publish('payments', 'send', 'after', {message: {n: 1}})), 'string');
console.log('ok');
