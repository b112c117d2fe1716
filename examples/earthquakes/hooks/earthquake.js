// The hooks of the collection earthquake. `region`, a second collection, holds the strongest and the latest earthquake
// of each region.

const CLASSES = [[3, 'micro'], [4, 'minor'], [5, 'light'], [6, 'moderate'], [7, 'strong'], [8, 'major'], [Infinity, 'great']];

function beforePOST(req, res) {
  const errors = validate(req.body);
  if (errors.length > 0) return res.end({ error: errors });
  res.end({ data: Object.assign(req.body, derive(req.body)) });
}

function beforePUT(req, res) {
  beforePOST(req, res);
}

// A PATCH holds some of the fields: what counts is the document that it makes.
function beforePATCH(req, res) {
  const patched = Object.assign({}, req.original, req.body);
  const errors = validate(patched);
  if (errors.length > 0) return res.end({ error: errors });
  res.end({ data: Object.assign(req.body, derive(patched)) });
}

async function afterPOST(req, res) {
  await refresh(req.result.region);
  res.end();
}

async function afterPUT(req, res) {
  await refresh(req.result.region);
  if (req.original.region !== req.result.region) await refresh(req.original.region);
  res.end();
}

async function afterPATCH(req, res) {
  await afterPUT(req, res);
}

async function afterDELETE(req, res) {
  await refresh(req.original.region);
  res.end();
}

// validate returns what is wrong, field by field.
function validate(quake) {
  const errors = [];
  const range = (field, min, max) => {
    const value = quake[field];
    if (typeof value !== 'number' || value < min || value > max) {
      errors.push({ field, message: `must be a number from ${min} to ${max}` });
    }
  };
  range('magnitude', -2, 10);
  range('latitude', -90, 90);
  range('longitude', -180, 180);
  range('depth', -10, 800); // km; above sea level it is negative
  const time = typeof quake.time === 'string' ? Date.parse(quake.time) : NaN;
  if (isNaN(time)) {
    errors.push({ field: 'time', message: 'must be a date and time such as 2018-02-07T01:26:13Z' });
  } else if (time > Date.now()) {
    errors.push({ field: 'time', message: 'must not be in the future' });
  }
  if (typeof quake.place !== 'string' || regionOf(quake.place) === '') {
    errors.push({ field: 'place', message: 'must name a place such as "4km W of Castaic, CA"' });
  }
  return errors;
}

// derive returns the fields that follow from the others.
function derive(quake) {
  return {
    time: new Date(quake.time).toISOString(), // one notation, so that it sorts
    region: regionOf(quake.place),
    class: CLASSES.find(([below]) => quake.magnitude < below)[1],
    energy: Number(Math.pow(10, 1.5 * quake.magnitude + 4.8).toPrecision(3)), // joules, by Gutenberg and Richter
  };
}

// regionOf returns the last part of a place: "4km W of Castaic, CA" lies in California.
function regionOf(place) {
  const name = place.slice(place.lastIndexOf(',') + 1).trim();
  return context.settings.regions[name] || name;
}

// refresh brings a region's summary in line with its earthquakes. It looks anew instead of comparing with the event's
// own document, because events may arrive twice, late or at the same time. Whoever has written looks again: so the last
// one to write has seen its summary hold.
async function refresh(region) {
  const id = region.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  for (;;) {
    const [stored] = await db.get('/rest/region', { _id: id });
    const summary = await summarize(region);
    if (stored && same(stored, summary)) return;
    try {
      if (stored) await db.put('/rest/region/' + id, summary);
      else await db.post('/rest/region', Object.assign({ _id: id }, summary));
    } catch (err) {
      if (err.code !== 'CONFLICT') throw err; // else somebody was quicker
    }
  }
}

// summarize fetches two documents, however many the region has; a region without any keeps an empty summary.
async function summarize(region) {
  const first = async (order) => {
    const [quake] = await db.get('/rest/earthquake', { region }, { $orderby: order, $max: 1 });
    return quake ? { _id: quake._id, magnitude: quake.magnitude, time: quake.time, place: quake.place } : null;
  };
  return { name: region, strongest: await first({ magnitude: -1 }), latest: await first({ time: -1 }) };
}

function same(a, b) {
  const facts = (quake) => quake && [quake._id, quake.magnitude, quake.time, quake.place];
  const all = (summary) => JSON.stringify([facts(summary.strongest), facts(summary.latest)]);
  return all(a) === all(b);
}
