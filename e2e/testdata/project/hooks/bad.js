function beforePOST(req, res) {
  var kind = req.body.kind;
  if (kind === 'throw') throw new Error('boom');
  if (kind === 'loop') while (true) {}
  if (kind === 'never') return new Promise(function () {});
  if (kind === 'forgets') return;
  if (kind === 'slow') return void setTimeout(function () { res.end(); }, 60000);
  if (kind === 'undefined') return res.end({ data: nobody.knows });
  res.end();
}
