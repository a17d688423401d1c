// Ends in the way that the first collection's name tells.
process.once('message', ({ collections: [{ name }] }) => {
  process.stderr.write('thread panicked\n')
  if (name.startsWith('SIG')) process.kill(process.pid, name)
  else process.exit(Number(name))
})
