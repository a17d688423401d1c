import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { open } from '../../../src/index.js'
import { serve, vicinal } from './process.js'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-serve-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Enough that closing writes a segment. */
const ROWS = 5000
const VECTORS = JSON.stringify({ vectors: { size: 2, distance: 'Dot' } })

function createCollection(url: string, key?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json', ...(key === undefined ? {} : { 'api-key': key }) }
  return fetch(`${url}/collections/c`, { method: 'PUT', headers, body: VECTORS })
}

test('serve takes keys from files and environment, two at once, and the data folder is private to its owner', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'keys'), 'old\nnew\n')
  writeFileSync(join(folder, 'settings.json'), JSON.stringify({ apiKeyFile: 'keys', data: 'kept' }))
  const { child, url } = await serve(['--config', 'settings.json'], folder, { VICINAL_READ_ONLY_API_KEY: 'reader' })
  expect((await createCollection(url)).status).toBe(401)
  expect((await createCollection(url, 'reader')).status).toBe(403)
  expect((await createCollection(url, 'old')).status).toBe(200)
  expect((await fetch(`${url}/collections`, { headers: { 'api-key': 'reader' } })).status).toBe(200)
  expect((await fetch(`${url}/collections`, { headers: { authorization: 'Bearer new' } })).status).toBe(200)
  expect(statSync(join(folder, 'kept')).mode & 0o777).toBe(0o700)

  const taken = ['serve', '--port', new URL(url).port, '--data', 'other', '--log-level', 'silent']
  expect(await vicinal(taken, folder)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^vicinal: .*EADDRINUSE[^\n]*\n$/),
  })

  // A second process is refused, and so is inspect, while this one writes.
  const second = await vicinal(['serve', '--port', '0', '--data', 'kept', '--log-level', 'silent'], folder)
  expect(second).toMatchObject({ code: 1, stderr: expect.stringContaining('LOCKED') })
  expect(await vicinal(['inspect', 'kept'], folder)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('LOCKED'),
  })

  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect(await vicinal(['inspect', 'kept'], folder)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('collection c '),
  })
})

async function fill(data: string): Promise<void> {
  const db = await open(data)
  const rows = await db.createCollection('rows', { vectors: { size: 2, distance: 'Dot' } })
  await rows.upsert(
    Array.from({ length: ROWS }, (_, id) => ({ id, vector: [Math.cos(id), Math.sin(id)], payload: { id } })),
  )
  await rows.waitForIndex()
  await rows.flush()
  await db.close()
}

/** Files of the data folder whose path matches, as paths relative to it. */
function filesMatching(data: string, pattern: RegExp): string[] {
  return (readdirSync(data, { recursive: true }) as string[]).filter((file) => pattern.test(file))
}

test.each([
  ['manifest', /c-[^/]+\/manifest$/],
  ['log', /\.vlog$/],
  ['segment', /\.vseg$/],
  ['table', /table\.lance\/data\/.*\.lance$/],
])('inspect finds one flipped bit in the %s and names the file', async (part, pattern) => {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  await fill(data)
  const [file] = filesMatching(data, pattern)
  const path = join(data, file as string)
  const bytes = readFileSync(path)
  const at = part === 'log' ? 20 : Math.floor(bytes.length / 3)
  bytes[at] = (bytes[at] as number) ^ 0x10
  writeFileSync(path, bytes)
  const inspected = await vicinal(['inspect', 'data'], folder)
  expect(inspected).toMatchObject({ code: 1, stdout: expect.stringMatching(/DAMAGED: 1\n$/) })
  const line = inspected.stdout.split('\n').find((text) => text.includes('  DAMAGED  ')) as string
  expect(line).toContain(part === 'table' ? 'table.lance' : (file as string).split('/').at(-1))
})
