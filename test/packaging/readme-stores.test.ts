/** README's commands of a store, as they stand there: an owner, a node beside it, and the owner's end while writes go on. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ROOT } from './project.js'

const TOLD = /^ {4}(export VICINAL_CLUSTER_KEY=[\s\S]*?\n {4}kill -9 [^\n]*)\n/m
const WRITES_AFTER = 20

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The commands, but for their ports: another service may have these. The last one waits until `kill` is there. */
function scriptOf(ports: readonly number[]): string {
  const [, told = ''] = TOLD.exec(readFileSync(join(ROOT, 'README.md'), 'utf8')) ?? []
  const commands = told.replaceAll('6333', String(ports[0])).replaceAll('6334', String(ports[1])).split('\n')
  const last = commands.pop()
  const pause = 'touch ready; until [ -e kill ]; do sleep 0.1; done'
  return [...commands, pause, last, 'touch killed', 'wait'].join('\n')
}

test('an owner and a node start over a folder, and writes go on after the owner is killed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-readme-'))
  // A clone that is built has these beside the commands' folder.
  for (const name of ['dist', 'native', 'node_modules', 'package.json'])
    symlinkSync(join(ROOT, name), join(folder, name))
  const ports = [await freePort(), await freePort()]
  const shell = spawn('bash', ['-ec', scriptOf(ports)], {
    cwd: folder,
    stdio: 'inherit',
    detached: true,
    env: { PATH: process.env.PATH, HOME: folder, VICINAL_LOG_LEVEL: 'error' },
  })
  onTestFinished(() => {
    process.kill(-(shell.pid as number), 'SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const isThere = (name: string) => expect.poll(() => existsSync(join(folder, name))).toBe(true)
  const ask = async (method: string, path: string, body: object) =>
    await fetch(`http://localhost:${ports[1]}/collections/things${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  await isThere('ready')
  const made = await ask('PUT', '', { vectors: { size: 2, distance: 'Dot' } })
  expect([made.status, shell.exitCode]).toEqual([200, null])

  const statuses: number[] = []
  let [acknowledged, id, afterRefusal] = [0, 0, 0]
  for (; afterRefusal < WRITES_AFTER; id++) {
    if (id === WRITES_AFTER) writeFileSync(join(folder, 'kill'), '')
    const { status } = await ask('PUT', '/points?wait=true', { points: [{ id, vector: [id, 1] }] })
    statuses.push(status)
    if (status === 200) acknowledged++
    if (status === 200 && statuses.includes(503)) afterRefusal++
  }
  await isThere('killed')
  expect([...new Set(statuses)].sort()).toEqual([200, 503])
  const counted = (await (await ask('POST', '/points/count', { exact: true })).json()) as { result: { count: number } }
  // A write that was refused for lack of an answer may be stored.
  expect(counted.result.count).toBeGreaterThanOrEqual(acknowledged)
  expect(counted.result.count).toBeLessThanOrEqual(id)
})
