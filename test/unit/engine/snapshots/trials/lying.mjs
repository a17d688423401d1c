// Sends reports that no trial sends, then reports an error.
process.once('message', () => {
  for (const report of [null, 7, 'x', { residentBytes: 'many' }]) process.send(report)
  process.send({ failure: { code: '__proto__', message: { toString: 1 }, details: 7 } })
})
