// Tools of the machine that the checks and tests use. On Debian, as root, missing ones are installed.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { run, say } from './process.mjs'

const TOOLS = [
  { command: 'clang-format', packages: ['clang-format'] },
  { command: 'g++', packages: ['g++'] },
  { command: 'make', packages: ['make'] },
  { command: 'python3', packages: ['python3'] },
  { command: 'qemu-aarch64', packages: ['qemu-user'] },
  { command: 'aarch64-linux-gnu-g++', packages: ['g++-aarch64-linux-gnu'] },
  // Opens the console.
  { command: 'chromium', packages: ['chromium'] },
  // Tools that the files of deploy/ need.
  { command: 'nginx', packages: ['nginx-light'] },
  { command: 'systemd-analyze', packages: ['systemd'] },
  // Checks metrics, and the alert rules of deploy/.
  { command: 'promtool', packages: ['prometheus'] },
  // An S3 store. The tests run it with Debian's own Python, whatever else the machine has.
  { command: '/usr/bin/moto_server', packages: ['python3-moto', 'python3-flask-cors'] },
]

export function has(command) {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Those that build the kernel and its tests; the others are for `npm run test:ci`. */
export const COMPILERS = ['g++', 'make', 'python3']

export function ensureTools(commands = TOOLS.map((tool) => tool.command)) {
  const missing = TOOLS.filter((tool) => commands.includes(tool.command) && !has(tool.command))
  if (missing.length === 0) return
  const names = missing.map((tool) => tool.command).join(', ')
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    say(`not on this machine, and what needs it is skipped or fails: ${names}`)
    return
  }
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  run('reading the lists of Debian packages', 'apt-get', ['update', '-qq'], { env })
  const packages = missing.flatMap((tool) => tool.packages)
  run(`installing ${names}`, 'apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env })
}
