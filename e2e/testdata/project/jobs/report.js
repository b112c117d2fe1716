function runJob(req, res) {
  db.get('/rest/customer', {}, { $max: 1000 }, function (err, customers) {
    res.end(customers.length + ' customers, job ' + req.job.name);
  });
}
