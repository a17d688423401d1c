// Says what no trial says, and then that all is not well.
process.once('message', () => {
  for (const report of [null, 7, 'x', { residentBytes: 'many' }]) process.send(report)
  process.send({ failure: { code: '__proto__', message: { toString: 1 }, details: 7 } })
})
