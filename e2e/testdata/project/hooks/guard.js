function before(req, res) {
  if (req.body.amount > 1000) return res.end({ error: { statuscode: 402, message: 'too much', code: 'TOO_MUCH' } });
  res.end({ data: { amount: req.body.amount, checked: true } });
}
