// Scripts of the callback style, as they are.
const settings = context.settings;

function euSendMail(to, subject, html, done) {
  sendMail({ to, subject, html, company: settings.company, sendername: 'Info' }, function (error, body) {
    log.debug('mail', error, body);
    done(error);
  });
}

/** @type {gaff.After} */
function afterPOST(req, res) {
  if (req.body.member === 'Yes') {
    res.end();
  }
  async.waterfall([
    async.apply(db.get, '/rest/customer', { _id: req.body.customer }, {}),
    (customers, next) => request({ url: settings.crm.url, method: 'POST', json: true, body: customers[0] }, (error, response, body) => next(error, body)),
    (body, next) => euSendMail(body.email, 'Welcome', template('<h1>{{name}}</h1>', body), next),
  ], (error) => {
    if (error) log.error(error);
    res.end();
  });
}

/** @type {gaff.Before} */
const beforeGET = (req, res) => {
  const token = req.hint['#headers'].authorization.split(' ')[1];
  auth.decode_jwt(token, (error, claims) => {
    if (error) return res.end({ error: { statuscode: 401, message: 'Forbidden to GET' } });
    req.query.owner = claims.sub;
    res.send({ query: req.query });
  });
};
