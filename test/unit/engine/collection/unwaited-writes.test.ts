/** Writes that do not wait for stable storage. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { AppendFile } from '../../../../src/disk/append-file.js'
import { type Collection, open } from '../../../../src/index.js'
import { FileLog } from '../../../../src/log/file-log.js'
import { LanceTable } from '../../../../src/storage/lance-table.js'

/** A collection whose log gets nothing onto stable storage until `release` is called; `events` has the order. */
async function held() {
  const folder = mkdtempSync(join(tmpdir(), 'vicinal-unwaited-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const database = await open(folder)
  const collection: Collection = await database.createCollection('a', { vectors: { size: 1, distance: 'Dot' } })
  // Its opening writes to the disk.
  await collection.warm()
  const events: string[] = []
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const { sync } = AppendFile.prototype
  const { commit } = LanceTable.prototype
  const spies = [
    vi.spyOn(AppendFile.prototype, 'sync').mockImplementation(async function (this: AppendFile) {
      await gate
      events.push('synced')
      await sync.call(this)
    }),
    vi.spyOn(LanceTable.prototype, 'commit').mockImplementation(async function (this: LanceTable, ...given) {
      events.push('committed')
      return await commit.apply(this, given)
    }),
  ]
  onTestFinished(async () => {
    release()
    for (const spy of spies) spy.mockRestore()
    await database.close()
  })
  return { collection, events, release }
}

const point = (id: number) => ({ id, vector: [id] })

it('are seen once they are acknowledged, before they are on stable storage', async () => {
  const { collection, events } = await held()
  expect(await collection.upsert([point(1)], { wait: false })).toMatchObject({ status: 'acknowledged' })
  expect(await collection.retrieve([1])).toHaveLength(1)
  await collection.setPayload({ n: 1 }, [1], { wait: false })
  expect((await collection.retrieve([1], { withPayload: true }))[0]?.payload).toEqual({ n: 1 })
  await collection.delete([1], { wait: false })
  expect(await collection.count()).toBe(0)
  expect(events).toEqual([])
})

it('are not in the table before their log is on stable storage', async () => {
  const { collection, events, release } = await held()
  const durable = vi.spyOn(FileLog.prototype, 'durable')
  onTestFinished(() => durable.mockRestore())
  await collection.upsert([point(1)], { wait: false })
  const flushed = collection.flush()
  await expect.poll(() => events.length + durable.mock.calls.length).toBeGreaterThan(0)
  release()
  await flushed
  expect(events.indexOf('synced')).toBe(0)
  expect(events).toContain('committed')
})

it('a waited write is not seen before it is on stable storage', async () => {
  const { collection, release } = await held()
  const written = collection.upsert([point(1)])
  await expect.poll(async () => (await collection.info()).logBytes).toBeGreaterThan(0)
  expect(await collection.count()).toBe(0)
  release()
  expect(await written).toMatchObject({ status: 'completed' })
  expect(await collection.count()).toBe(1)
})
