// Servers that come as Debian packages: installed when root and missing, started in a temporary folder of their own,
// and ended with this process, however it ends.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'

/** Throws, naming what could not be had. */
export function needPackages(packages, isThere) {
  if (isThere()) return
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const args = ['install', '-y', '--no-install-recommends', ...packages]
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  }
  if (!isThere()) throw new Error(`this machine has no ${packages.join(' ')} (apt-get install it)`)
}

/** `user`, where given, is the server's user; only root can ask for that. */
export function startServer(command, args, user) {
  const as = user ? [`--reuid=${user}`, `--regid=${user}`, '--clear-groups'] : []
  const child = spawn('setpriv', [...as, '--pdeathsig=KILL', command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      output = (output + bytes).slice(-4000)
    })
  }
  const ended = new Promise((resolve) => child.once('exit', resolve))
  return {
    pid: child.pid,
    output: () => output,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      await ended
    },
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const START_DEADLINE_MS = 30_000
const POLL_MS = 50

/** `attempt` until it succeeds. */
export async function whenReady(server, attempt) {
  const deadline = performance.now() + START_DEADLINE_MS
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline) throw new Error(`no server: ${error.message}\n${server.output()}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }
}
