// Makes earthquakes.ndjson from the GeoJSON that SOURCE.md names: node convert.mjs earthquakes.json > earthquakes.ndjson
import { readFileSync } from 'node:fs';

const { features } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
for (const { id, properties: p, geometry } of features) {
  const [longitude, latitude, depth] = geometry.coordinates;
  const record = {
    _id: id,
    time: new Date(p.time).toISOString(),
    magnitude: p.mag,
    magnitudeType: p.magType,
    place: p.place,
    latitude,
    longitude,
    depth,
    type: p.type,
    status: p.status,
  };
  console.log(JSON.stringify(record));
}
