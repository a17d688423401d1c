/** Dies like a process that reads an invalid address. */
process.kill(process.pid, 'SIGSEGV')
