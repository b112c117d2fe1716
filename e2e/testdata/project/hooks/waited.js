// What callers of the collection waited are answered.

function afterPOST(req, res) {
  res.end({ data: { ...req.result, waited: true } });
}

function afterPUT(req, res) {
  throw new Error('after the fact');
}

function failed(req, res) {
  if (req.error.code !== 'CONFLICT') return res.end();
  res.end({ data: { _id: req.body._id, existed: true } });
}
