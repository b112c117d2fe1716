'use strict';

function main() {
  const message = data.message;
  if (data.parms.max < message.amount) return { status: 400, reasonCode: 1, errorMessage: 'too much' };
  return { status: 200, messageOverride: Object.assign({}, message, { level: data.parms.level }) };
}

main();
