// What authors write against gaff.d.ts. Each line below a @ts-expect-error must be refused.
import later from 'async';
import request2 = require('request');

interface Customer {
  _id?: string;
  name: string;
  email?: string;
}

export const beforePOST: gaff.Before<Customer> = async (req, res) => {
  const found = await db.get<Customer[]>('/rest/customer', { name: req.body.name }, { $max: 1 });
  if (found.length > 0) return res.end({ error: { statuscode: 409, message: 'taken' } });
  if (req.hint['#usersession'].email === undefined) return { error: [{ field: 'email', message: 'missing' }] };
  // @ts-expect-error
  req.body.nothing;
  // @ts-expect-error
  res.finish();
  return { data: { ...req.body, name: req.body.name.trim() } };
};

export function afterPOST(req: gaff.Req<Customer>, res: gaff.Res) {
  db.get('/rest/order', {}, {}, (error, orders) => {
    if (error) throw error;
    log.info(error === null, orders);
    sendMail({ to: req.body.email || '', subject: 'Hello', html: '<b>x</b>', company: 'c' }, (result) => log.debug(result));
    sendMail({ to: 'a@example.com', subject: 's' }, (error, result) => log.debug(error && error.message, result));
    slack({ message: `:tada: ${req.body.name}`, channel: '#dev' }, () => res.end());
  });
  // @ts-expect-error
  sendMail({ subject: 'nobody' });
}

export const runJob: gaff.Job = async (req, res) => {
  const answer = await fetch('https://example.com', { method: 'POST', headers: { a: 'b' }, signal: AbortSignal.timeout(500) });
  const [a, b] = await later.parallel([(done) => done(null, 1), async () => 2]);
  const seen: number = await kv.incr('runs', 1, { ttl: 60 });
  kv.get('x', (error, value) => log.info(error, value));
  await jobs.enqueue('report', { a, b }, { delay: '5m' });
  const rows = await rpc<{ rows: any[] }>('postgres', 'report', { params: [seen] });
  const text = template('{{#each rows}}{{this}}{{/each}}', rows) + markdown('# x');
  const claims = await auth.verify_jwt<{ sub: string }>('t', 'secret', { algorithms: ['HS256'] });
  await once(req.event.id, async () => crypto.createHash('sha256').update(claims.sub).digest('hex'));
  const url = new URL('/a', 'https://example.com');
  url.searchParams.set('q', Buffer.from('x').toString('base64'));
  request({ url: url.href, json: true, form: { a: 1 } }, (error, response, body) => log.info(error, response.statusCode, body));
  request.post('https://example.com', { json: { a: 1 } }).then((response) => response.body);
  request2.defaults({ baseUrl: 'https://example.com' }).get('/x');
  // @ts-expect-error
  await kv.incr('runs', 'one');
  // @ts-expect-error
  answer.statusCode;
  // @ts-expect-error
  process.exit(1);
  // @ts-expect-error
  window.alert('x');
  if (!answer.ok) throw new Retry('30s');
  res.end(`${req.job.scheduledAt} ${text} ${structuredClone(seen)}`);
};

export const named: Partial<gaff.Functions> = {
  beforeGET: (req, res) => res.send({ query: req.query }),
  failed: (req) => log.warn(req.error.code),
};
