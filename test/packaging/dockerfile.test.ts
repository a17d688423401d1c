import { spawn } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { ROOT, run, stopServer } from './project.js'

// The tests may run without a Docker engine. So they run the Dockerfile's steps themselves, in folders that stand for
// the stages.

interface Instruction {
  name: string
  text: string
}

const place = mkdtempSync(join(tmpdir(), 'vicinal-docker-'))
afterAll(() => rmSync(place, { recursive: true, force: true }))

const stages = readStages()
const isRootOnDebian =
  process.getuid?.() === 0 && statSync('/etc/debian_version', { throwIfNoEntry: false }) !== undefined

function readStages(): Instruction[][] {
  const found: Instruction[][] = []
  for (const line of readFileSync(join(ROOT, 'Dockerfile'), 'utf8').split('\n')) {
    const [, name, text] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === undefined || text === undefined) continue
    if (name === 'FROM') found.push([])
    else found.at(-1)?.push({ name, text })
  }
  return found
}

/** The build context: files tracked by git, without those in .dockerignore. */
function copyContext(to: string): void {
  const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n').filter(Boolean)
  for (const file of run('git', ['ls-files'], ROOT).split('\n').filter(Boolean)) {
    if (ignored.some((pattern) => file === pattern || file.startsWith(`${pattern}/`))) continue
    mkdirSync(dirname(join(to, file)), { recursive: true })
    cpSync(join(ROOT, file), join(to, file))
  }
}

function playStage(instructions: Instruction[], folder: string, folders: { build: string; data: string }): void {
  mkdirSync(folder, { recursive: true })
  for (const { name, text } of instructions) {
    if (name === 'COPY' && text.startsWith('--from=build')) {
      const [, from, to] = text.split(' ') as [string, string, string]
      cpSync(from.replace('/app', folders.build), join(folder, to), { recursive: true, verbatimSymlinks: true })
    } else if (name === 'COPY') {
      copyContext(folder)
    } else if (name === 'RUN' && (isRootOnDebian || !/^(apt-get|install -d)/.test(text))) {
      run('sh', ['-ec', text.replace(' /data', ` ${folders.data}`)], folder, { NODE_ENV: '' })
    }
  }
}

test('every step of the Dockerfile runs, and the image passes its health check as a user other than root', async () => {
  expect(stages).toHaveLength(2)
  const folders = { build: join(place, 'build'), data: join(place, 'data') }
  const app = join(place, 'app')
  playStage(stages[0] as Instruction[], folders.build, folders)
  playStage(stages[1] as Instruction[], app, folders)
  chmodSync(place, 0o755)
  if (!isRootOnDebian) mkdirSync(folders.data, { mode: 0o700 })

  const setting = (name: string) => (stages[1] as Instruction[]).find((step) => step.name === name)?.text as string
  const user = Number(setting('USER').split(':')[0])
  expect(user).toBeGreaterThan(0)
  const [command, ...args] = [...JSON.parse(setting('ENTRYPOINT')), ...JSON.parse(setting('CMD'))] as [
    string,
    ...string[],
  ]
  const child = spawn(command === 'node' ? process.execPath : command, [...args, '--log-level', 'silent'], {
    cwd: app,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: process.env.PATH,
      VICINAL_DATA: folders.data,
      VICINAL_HOST: '0.0.0.0',
      VICINAL_PORT: '0',
      VICINAL_API_KEY: 'k',
    },
    ...(isRootOnDebian ? { uid: user, gid: user } : {}),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let port = ''
  for await (const line of createInterface({ input: child.stdout })) {
    port = /listening on http:\/\/[^:]+:(\d+)/.exec(line)?.[1] ?? ''
    if (port) break
  }
  const health = /CMD (\[.*\])$/.exec(setting('HEALTHCHECK'))?.[1] as string
  const [, ...check] = JSON.parse(health) as [string, ...string[]]
  run(process.execPath, check, app, { VICINAL_PORT: port })
  expect((await fetch(`http://127.0.0.1:${port}/collections`)).status).toBe(401)
  expect(await stopServer(child)).toBe(0)
  expect(() => run(process.execPath, check, app, { VICINAL_PORT: port })).toThrow()
})
