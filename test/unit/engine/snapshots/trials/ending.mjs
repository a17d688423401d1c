// Ends as it is told to by the first collection's name.
process.once('message', ({ collections: [{ name }] }) => {
  process.stderr.write('thread panicked\n')
  if (name.startsWith('SIG')) process.kill(process.pid, name)
  else process.exit(Number(name))
})
