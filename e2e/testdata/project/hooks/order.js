// An order names a customer that exists; creating one from a script fires the hooks of customer.
async function beforePOST(req, res) {
  const found = await db.get('/rest/customer', { name: req.body.customer }, { $max: 1 });
  if (found.length === 0) await db.post('/rest/customer', { name: req.body.customer });
  const [customer] = await db.get('/rest/customer', { name: req.body.customer });
  res.end({ data: { ...req.body, customerId: customer._id, upper: customer.upper } });
}

function beforeDELETE(req, res) {
  if (req.original.paid) return res.end({ error: { statuscode: 409, message: 'paid orders stay: ' + req.body._id } });
  res.end();
}
