import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../../../src/client/index.js'
import type { Database } from '../../../../src/core/database.js'
import { LIMITS } from '../../../../src/core/limits.js'
import { type OpenOptions, open } from '../../../../src/engine/database/open.js'
import { createServer } from '../../../../src/server/app.js'

const MIB = 1024 * 1024

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-open-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function limitOf(folder: string): Promise<number | null> {
  const database = await open(folder)
  const { memory } = await (await database.collection('c')).info()
  await database.close()
  return memory.process.limitBytes
}

test('a memory limit holds from any open of a folder until the last one is closed', async () => {
  const folder = temporaryFolder()
  const first = await open(folder)
  await first.createCollection('c', { vectors: { size: 1, distance: 'Dot' } })
  expect(await limitOf(folder)).toBeNull()
  const second = await open(folder, { memoryLimitBytes: 8192 * MIB })
  expect(await limitOf(folder)).toBe(8192 * MIB)
  const third = await open(folder, { memoryLimitBytes: 4096 * MIB })
  await third.close()
  expect(await limitOf(folder)).toBe(4096 * MIB)
  await second.close()
  await first.close()
  expect(await limitOf(folder)).toBeNull()
})

test('opening an open folder with different options is refused', async () => {
  const folder = temporaryFolder()
  const first = await open(folder, { concurrentSearches: 4 })
  onTestFinished(() => first.close())
  const others: OpenOptions[] = [{ concurrentSearches: 5 }, { snapshotUrls: true }, { maxSnapshotBytes: 7 }]
  for (const options of others) {
    const [[name, value]] = Object.entries(options) as [[string, unknown]]
    await expect(open(folder, options)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(new RegExp(`^${name}: the folder is open already with .*, got ${value}`)),
    })
  }
  const same = { concurrentSearches: 4, snapshotUrls: false, maxSnapshotBytes: LIMITS.snapshotBytes }
  for (const options of [{}, same]) await (await open(folder, options)).close()
})

test('`await using` closes a handle on a folder at the end of its block, and the folder with the last of them', async () => {
  const folder = temporaryFolder()
  let left: Database
  {
    await using first = await open(folder)
    left = first
    {
      await using second = await open(folder)
      expect(await second.collections()).toEqual([])
    }
    expect(await first.collections()).toEqual([])
  }
  await expect(left.collections()).rejects.toMatchObject({ code: 'CLOSED' })
  await using reader = await open(folder, { readOnly: true })
  expect(await reader.collections()).toEqual([])
})

test('`await using` closes a client, and leaves the service as it is', async () => {
  await using database = await open(':memory:')
  const server = createServer({ database, port: 0, logLevel: 'silent' })
  onTestFinished(() => server.close(0))
  const url = await server.listen()
  let left: Database
  {
    await using client = await connect(url)
    left = client
    expect(await client.collections()).toEqual([])
  }
  await expect(left.collections()).rejects.toMatchObject({ code: 'CLOSED' })
  expect(await database.collections()).toEqual([])
})
