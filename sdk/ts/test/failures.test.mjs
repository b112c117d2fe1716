// How the client behaves when its server does not. The server is one of Node's, on a port of its own.
import assert from 'node:assert/strict';
import {createServer} from 'node:http';
import {test} from 'node:test';
import {Gaff, GaffError} from '../dist/index.js';

/** Starts a server that answers with what the steps say, one for each request, and returns its client and what it got. */
async function served(t, steps, options = {}) {
  const got = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => {
      got.push({method: request.method, url: request.url, headers: request.headers, body});
      (steps[got.length - 1] ?? steps.at(-1))(response);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.closeAllConnections() ?? server.close());
  const url = `http://127.0.0.1:${server.address().port}`;
  return {gaff: new Gaff({url, ...options}), got};
}

const answer = (status, body) => (response) => response.writeHead(status, {'Content-Type': 'application/json'}).end(JSON.stringify(body));
const broken = (response) => response.destroy();
const silent = () => {};
const away = answer(503, {ok: false, error: {code: 'UNAVAILABLE', message: 'away'}});
const unknown = answer(503, {ok: false, error: {code: 'UNAVAILABLE', message: 'broke off', details: {outcome: 'unknown'}}});
const ok = answer(200, {ok: true, result: 1, error: null});

const code = (want) => (e) => e instanceof GaffError && e.code === want;

test('a method is tried again if it was not carried out', async (t) => {
  const {gaff, got} = await served(t, [away, away, ok]);
  assert.equal(await gaff.redis().hook('x'), 1);
  assert.equal(got.length, 3);
});

test('a method is not tried again if that is open', async (t) => {
  for (const step of [unknown, broken]) {
    const {gaff, got} = await served(t, [step, ok]);
    await assert.rejects(gaff.redis().hook('x'), GaffError);
    assert.equal(got.length, 1);
  }
});

test('a write carries the same key each time', async (t) => {
  const {gaff, got} = await served(t, [broken, away, answer(201, {_id: '1'})]);
  assert.equal((await gaff.collection('a').create({n: 1}))._id, '1');
  assert.equal(new Set(got.map((r) => r.headers['idempotency-key'])).size, 1);
  assert.match(got[0].headers['idempotency-key'], /^[0-9a-f-]{36}$/);
});

test('time is bounded', async (t) => {
  const {gaff} = await served(t, [silent], {timeout: 200});
  await assert.rejects(gaff.collection('a').find(), code('TIMEOUT'));
});

test('nobody there', async (t) => {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const {port} = server.address();
  await new Promise((resolve) => server.close(resolve));
  const gaff = new Gaff({url: `http://127.0.0.1:${port}`, retries: 1});
  await assert.rejects(gaff.redis().hook('x'), code('CONNECTION'));
});

test('errors say what the server says', async (t) => {
  const error = {status: 400, code: 'VALIDATION', message: 'name: is required', hook: 'a.beforePOST', fields: [{field: 'name', message: 'is required'}], requestId: 'r1'};
  const {gaff} = await served(t, [answer(400, {error})]);
  await assert.rejects(gaff.collection('a').create({}), {code: 'VALIDATION', status: 400, hook: 'a.beforePOST', fields: error.fields, requestId: 'r1'});
});

test('an answer that is not Gaff’s', async (t) => {
  const {gaff} = await served(t, [(response) => response.writeHead(502).end('<html>')]);
  await assert.rejects(gaff.redis().hook('x'), code('SERVICE_ERROR'));
});

test('a service is no promise', async (t) => {
  const {gaff, got} = await served(t, [ok]);
  const redis = await gaff.redis();
  JSON.stringify(redis);
  assert.equal(got.length, 0);
  assert.equal(await redis.topUsers(10), 1);
  assert.deepEqual(JSON.parse(got[0].body).payload, {args: [10]});
});
