// Reports on the last hours of what is known; the text is in the job's log record.
async function runJob(req, res) {
  const { hours } = context.settings.report;
  const [newest] = await db.get('/rest/earthquake', {}, { $orderby: { time: -1 }, $max: 1 });
  if (!newest) return res.end('no earthquakes yet');
  const since = new Date(Date.parse(newest.time) - hours * 3600 * 1000).toISOString();
  const recent = await db.get('/rest/earthquake', { time: { $gte: since } }, { $orderby: { magnitude: -1 }, $max: 10000 });
  const strongest = recent[0];
  const regions = new Set(recent.map((quake) => quake.region));
  res.end(`${recent.length} earthquakes in ${regions.size} regions in the ${hours} h before ${newest.time}; ` +
    `strongest: ${strongest.magnitude} ${strongest.magnitudeType}, ${strongest.place}`);
}
