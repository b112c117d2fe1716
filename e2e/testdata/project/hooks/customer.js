// Customers have a name; their full name is derived.
function check(body) {
  if (!body.name) return [{ field: 'name', message: 'is required' }];
  return null;
}

function beforePOST(req, res) {
  log.debug('customer', req.body);
  var errors = check(req.body);
  if (errors) return res.end({ error: errors });
  if (req.body.name === 'Mallory') {
    return res.end({ error: { statuscode: 403, message: 'not you' } });
  }
  req.body.upper = req.body.name.toUpperCase();
  req.body.greeting = context.settings.greeting;
  res.end({ data: req.body });
}

function beforeGET(req, res) {
  if (req.query.blocked) return res.end({ error: { statuscode: 401, message: 'Forbidden to GET' } });
  res.end();
}

async function beforePATCH(req) {
  if (req.original.name === 'locked') throw new Error('this customer is locked');
  return { data: Object.assign({}, req.body, { patched: true }) };
}

// Of customers that come at the same moment, who is last is not said: each name has a total of its own.
function afterPOST(req, res) {
  var id = 'customers-' + req.result.name;
  db.get('/rest/total/' + id, {}, {}, function (err, total) {
    if (err) {
      db.post('/rest/total', { _id: id, last: req.result.name }, function (err2) { res.end(); });
      return;
    }
    db.put('/rest/total/' + id, { last: req.result.name }, function (err3) { res.end(); });
  });
}
