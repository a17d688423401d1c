// Reports its environment as the error of the snapshot.
process.once('message', () => {
  const message = JSON.stringify({ env: process.env, args: process.execArgv })
  process.send({ failure: { code: 'CORRUPT', message, details: {}, cause: undefined } })
})
