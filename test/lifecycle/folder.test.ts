import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { open, type VicinalError } from '../../src/index.js'

const run = promisify(execFile)
const ENTRY = join(import.meta.dirname, '../../dist/index.js')
const SIZE = 4
const FOLLOW_DEADLINE_MS = 60_000
const FOLLOW_POLL_MS = 50

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vicinal-folder-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** Runs a module with `open` and `folder` in a process of its own and returns its log output. */
async function inChild(body: string): Promise<string> {
  const script = `import { open } from ${JSON.stringify(ENTRY)}; const folder = ${JSON.stringify(folder)};\n${body}`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  return stdout.trim()
}

/** The same with failing disk calls: `fails(name, path)` decides which calls of `open` and `rename` fail. */
async function inChildWithFailures(body: string): Promise<string> {
  const script = `
    import fs from 'node:fs/promises'
    import { syncBuiltinESMExports } from 'node:module'
    let fails = () => false
    for (const name of ['open', 'rename']) {
      const real = fs[name]
      fs[name] = async (path, ...rest) => {
        if (fails(name, String(path))) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' })
        return await real(path, ...rest)
      }
    }
    syncBuiltinESMExports()
    const folder = ${JSON.stringify(folder)}
    const { open } = await import(${JSON.stringify(ENTRY)})
    ${body}`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script])
  return stdout.trim()
}

/** For a child: a collection of one point, and the `location` of a snapshot of it. */
const WITH_SNAPSHOT = `
      const { readdirSync } = await import('node:fs')
      const db = await open(folder)
      const collection = await db.createCollection('points', { vectors: { size: 2, distance: 'Dot' } })
      await collection.upsert([{ id: 1, vector: [1, 1] }])
      const { name } = await collection.snapshots.create()
      const [snapshot] = readdirSync(folder + '/snapshots', { recursive: true }).filter((path) => path.endsWith(name))
      const location = 'file://' + folder + '/snapshots/' + snapshot`

/** Waits until a reader has followed its writer. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + FOLLOW_DEADLINE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the reader did not follow in time')
    // The next look at the state.
    await new Promise((resolve) => setTimeout(resolve, FOLLOW_POLL_MS))
  }
}

const points = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ id: from + i, vector: [from + i, 1, 0, 0], payload: { n: from + i } }))

describe('a data folder', () => {
  it('is private to its owner', async () => {
    const inner = join(folder, 'data')
    const db = await open(inner)
    expect((await stat(inner)).mode & 0o777).toBe(0o700)
    await db.close()
  })

  it('waits for the flush of a collection that is deleted meanwhile, and creates nothing of it again', async () => {
    const db = await open(folder)
    const wide = { vectors: { size: 512, distance: 'Dot' } } as const
    const collection = await db.createCollection('flushed', wide)
    // More than one commit takes.
    const vectors = new Float32Array(4_000 * 512).fill(1)
    for (let from = 0; from < 16_000; from += 4_000)
      await collection.upsert({ ids: Uint32Array.from({ length: 4_000 }, (_, i) => from + i), vectors })
    let isFlushing = true
    const flushing = collection.flush().finally(() => {
      isFlushing = false
    })
    const settled = flushing.then(
      () => 'flushed',
      (error: VicinalError) => error.code,
    )
    expect(await db.deleteCollection('flushed')).toBe(true)
    expect(isFlushing).toBe(false)
    // On a busy machine another flush has done most of the work before, and this one ends normally.
    expect(['CLOSED', 'flushed']).toContain(await settled)
    await db.close()
    const again = await open(folder)
    await again.createCollection('next', wide)
    expect(await again.collections()).toEqual(['next'])
    await again.close()
  })

  it('is refused to a second process with the holder named', async () => {
    const db = await open(folder)
    const seen = await inChild(`await open(folder).catch((error) => console.log(error.code, error.message))`)
    expect(seen).toMatch(new RegExp(`^LOCKED .*process ${process.pid}`))
    await db.close()
    expect(await inChild(`const db = await open(folder); await db.close(); console.log('free')`)).toBe('free')
  })

  it('is shared by handles of one process, and closes with the last', async () => {
    const first = await open(folder)
    await first.createCollection('shared', { vectors: { size: SIZE, distance: 'Dot' } })
    const second = await open(folder)
    await (await second.collection('shared')).upsert(points(0, 3))
    await first.close()
    await expect(first.collections()).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await (await second.collection('shared')).count()).toBe(3)
    await second.close()
    const third = await open(folder)
    expect(await (await third.collection('shared')).count()).toBe(3)
    await third.close()
  })

  it('survives a process that ends without closing it', async () => {
    await inChild(`
      const db = await open(folder)
      const points = await db.createCollection('points', { vectors: { size: 4, distance: 'Dot' } })
      await points.upsert([{ id: 7, vector: [1, 2, 3, 4], payload: { kept: true } }])
      process.exit(0)`)
    const db = await open(folder)
    const [point] = await (await db.collection('points')).retrieve([7], { withVector: true })
    expect(point).toEqual({ id: 7, vector: new Float32Array([1, 2, 3, 4]), payload: { kept: true } })
    await db.close()
  })

  it('lets the process end by itself once it is closed, and also with idle handles', async () => {
    const body = `
      const db = await open(folder)
      const points = await db.createCollection('points', { vectors: { size: 4, distance: 'Dot' } })
      await points.upsert([{ id: 1, vector: [1, 2, 3, 4] }])
      console.log('written')`
    expect(await inChild(body)).toBe('written')
  })
})

describe('a read-only open', () => {
  it('refuses writes and a missing folder', async () => {
    await expect(open(join(folder, 'nowhere'), { readOnly: true })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const writer = await open(folder)
    await writer.createCollection('points', { vectors: { size: SIZE, distance: 'Dot' } })
    const reader = await open(folder, { readOnly: true })
    const collection = await reader.collection('points')
    await expect(collection.upsert(points(0, 1))).rejects.toMatchObject({ code: 'READ_ONLY' })
    await expect(collection.delete([1])).rejects.toMatchObject({ code: 'READ_ONLY' })
    await expect(reader.createCollection('more', { vectors: { size: 1, distance: 'Dot' } })).rejects.toMatchObject({
      code: 'READ_ONLY',
    })
    await expect(reader.deleteCollection('points')).rejects.toMatchObject({ code: 'READ_ONLY' })
    await reader.close()
    await writer.close()
  })

  it('leaves no file open if it is closed while it reloads a collection', async () => {
    const left = await inChildWithFailures(`
      const { readdirSync, readlinkSync } = await import('node:fs')
      const writing = await open(folder)
      const writer = await writing.createCollection('points', { vectors: { one: { size: 2, distance: 'Dot' } } })
      await writer.upsert([{ id: 1, vector: { one: [1, 1] } }])
      const reader = await open(folder, { readOnly: true })
      await (await reader.collection('points')).warm()
      // The reader must reload the collection.
      await writer.createVectorName('other', { dense: { size: 2, distance: 'Dot' } })
      const closed = new Promise((resolve) => {
        let isClosing = false
        fails = (name, path) => {
          if (name === 'open' && path.endsWith('/manifest') && !isClosing) {
            isClosing = true
            resolve(reader.close())
          }
          return false
        }
      })
      const waiting = setInterval(() => {}, 1_000)
      await closed
      clearInterval(waiting)
      await writing.close()
      const target = (fd) => {
        try { return readlinkSync('/proc/self/fd/' + fd) } catch { return '' }
      }
      console.log(readdirSync('/proc/self/fd').map(target).filter((path) => path.startsWith(folder)).length)`)
    expect(left).toBe('0')
  })

  it('loses no record when reading the log fails once', async () => {
    const seen = await inChildWithFailures(`
      const points = (id) => [{ id, vector: [id, 1] }]
      const writer = await (await open(folder)).createCollection('points', { vectors: { size: 2, distance: 'Dot' } })
      await writer.upsert(points(1))
      const reader = await (await open(folder, { readOnly: true })).collection('points')
      const until = async (condition) => {
        while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await until(async () => (await reader.count()) === 1)
      let failed = 0
      fails = (name, path) => name === 'open' && path.endsWith('.vlog') && failed++ === 0
      await writer.upsert(points(2))
      await until(() => failed > 0)
      await writer.upsert(points(3))
      await until(async () => (await reader.count()) === 3)
      console.log(failed > 0, await reader.count(), JSON.stringify((await reader.info()).warnings))
      process.exit()`)
    expect(seen).toBe('true 3 []')
  })

  it('keeps a collection when a restore over it fails for lack of descriptors', async () => {
    const seen = await inChildWithFailures(`
      ${WITH_SNAPSHOT}
      let isUnpacked = false
      // From the creation of the new folder on, nothing can be opened.
      fails = (_, path) => (isUnpacked ||= /[/]tmp-/.test(path))
      const restored = await db.recoverCollection('points', { location }).catch((error) => error)
      fails = () => false
      await collection.upsert([{ id: 2, vector: [1, 1] }])
      await db.close()
      const again = await open(folder)
      console.log(restored.code, isUnpacked, await (await again.collection('points')).count())
      process.exit()`)
    expect(seen).toBe('IO_FAILED true 2')
  })

  it('takes no more writes to a collection that the next open will replace', async () => {
    const seen = await inChildWithFailures(`
      ${WITH_SNAPSHOT}
      const before = new Set(readdirSync(folder))
      // The new folder is in place, and can neither be opened nor removed.
      const isNew = (path) => /[/]c-/.test(path) && !before.has(/c-[^/]*/.exec(path)[0])
      fails = (_, path) => isNew(path)
      const restored = await db.recoverCollection('points', { location }).catch((error) => error)
      const written = await collection.upsert([{ id: 2, vector: [1, 1] }]).catch((error) => error)
      const asked = await (await db.collection('points').catch((error) => error))
      fails = () => false
      // Another folder would conflict with the one that stays.
      const retried = await db.recoverCollection('points', { location }).catch((error) => error)
      await db.close()
      const again = await open(folder)
      const left = await (await again.collection('points')).count()
      console.log(restored.code, written.code, asked.code, retried.code, left)
      process.exit()`)
    expect(seen).toBe('IO_FAILED IO_FAILED IO_FAILED IO_FAILED 1')
  })

  it('creates a collection again after a failed creation whose folder could not be removed, once it is removed', async () => {
    const seen = await inChildWithFailures(`
      const db = await open(folder)
      const config = { vectors: { size: 2, distance: 'Dot' } }
      // The folder already has its name, which does not get durable.
      fails = (name, path) => path === folder || name === 'rename' && /[/]c-/.test(path)
      const made = await db.createCollection('points', config).catch((error) => error)
      const again = await db.createCollection('points', config).catch((error) => error)
      fails = () => false
      const third = await db.createCollection('points', config)
      await third.upsert([{ id: 1, vector: [1, 1] }])
      await db.close()
      const names = await (await open(folder)).collections()
      const folders = (await fs.readdir(folder)).filter((name) => name.startsWith('c-'))
      console.log(made.code, again.code, names.join(), folders.length)
      process.exit()`)
    expect(seen).toBe('IO_FAILED IO_FAILED points 1')
  })

  it('makes a snapshot of the existing collections while others are deleted and restored', async () => {
    const database = await open(folder)
    const make = async (name: string) => {
      const collection = await database.createCollection(name, { vectors: { size: SIZE, distance: 'Dot' } })
      await collection.upsert(points(0, 50))
      return collection
    }
    for (const name of ['a', 'b']) await make(name)
    const { name: location } = await (await database.collection('b')).snapshots.create()
    for (let round = 0; round < 12; round++) {
      await (await make('c')).flush()
      const snapshot = database.snapshots.create()
      // The deletion falls into different steps of the snapshot.
      await new Promise((resolve) => setTimeout(resolve, round * 2))
      if (round % 2 === 0) {
        const chunks = await (await database.collection('b')).snapshots.read(location)
        await database.recoverCollection('b', chunks)
      }
      await database.deleteCollection('c')
      const { name } = await snapshot
      const restored = await open(`${folder}-restored`)
      const names = await restored.recover(await database.snapshots.read(name))
      expect(names.slice(0, 2)).toEqual(['a', 'b'])
      for (const each of names) expect(await (await restored.collection(each)).count()).toBe(50)
      await restored.close()
      await rm(`${folder}-restored`, { recursive: true })
      await database.snapshots.delete(name)
    }
    await database.close()
  })

  it('creates collections beside a folder without a manifest', async () => {
    await (await open(folder)).close()
    await mkdir(join(folder, 'c-0d3ccf4e-0000-4000-8000-000000000000'))
    const database = await open(folder)
    await database.createCollection('points', { vectors: { size: SIZE, distance: 'Dot' } })
    expect(await database.collections()).toEqual(['points'])
    await database.close()
  })

  it('follows writes, changes, deletes, flushes and new collections of the writer', async () => {
    const writer = await open(folder)
    const written = await writer.createCollection('points', { vectors: { size: SIZE, distance: 'Dot' } })
    await written.upsert(points(0, 100))
    await written.flush()
    await written.upsert(points(100, 120))
    const reader = await open(folder, { readOnly: true })
    const read = await reader.collection('points')
    expect(await read.count()).toBe(120)

    await written.upsert(points(120, 130))
    await written.delete([0, 1])
    await written.setPayload({ seen: true }, [2])
    await until(async () => (await read.count()) === 128)
    await until(async () => (await read.retrieve([2]))[0]?.payload?.seen === true)

    await written.flush()
    await written.upsert(points(200, 210))
    await until(async () => (await read.count()) === 138)
    expect((await read.query({ query: [1, 0, 0, 0], limit: 1, params: { exact: true } }))[0]?.id).toBe(209)

    await writer.createCollection('later', { vectors: { size: 1, distance: 'Dot' } })
    await until(async () => (await reader.collections()).includes('later'))
    await writer.deleteCollection('points')
    await until(async () => !(await reader.collections()).includes('points'))
    await reader.close()
    await writer.close()
  })
})
