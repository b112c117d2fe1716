// Hooks on the collection customer. Try them:
//
//   curl -X POST http://127.0.0.1:8090/rest/customer -H 'Content-Type: application/json' -d '{"name":"Ann"}'

/**
 * beforePOST runs before a customer is created, and decides: res.end() lets the call go on as it is,
 * res.end({data: …}) goes on with this document instead, res.end({error: …}) stops the call.
 * @type {gaff.Before}
 */
function beforePOST(req, res) {
  if (!req.body.name) {
    return res.end({ error: [{ field: 'name', message: 'is required' }] });
  }
  req.body.greeting = context.settings.greeting + ', ' + req.body.name;
  res.end({ data: req.body });
}

/**
 * afterPOST runs once the customer is created, at least once, whatever crashes. It cannot undo the call.
 * @type {gaff.After}
 */
function afterPOST(req, res) {
  log.info('created', req.result._id);
  res.end();
}
