/** Dies as a process does that reads where nothing is. */
process.kill(process.pid, 'SIGSEGV')
