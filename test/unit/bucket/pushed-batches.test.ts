/** Batches that an owner pushes to a reader, on real databases: with frames that come late, twice, or not at all. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { parseStore } from '../../../src/bucket/address.js'
import { Group } from '../../../src/bucket/group.js'
import { GroupReader } from '../../../src/bucket/group-reader.js'
import { recordsKey } from '../../../src/bucket/keys.js'
import { PushedBatches } from '../../../src/bucket/pushed-batches.js'
import {
  decodeFrame,
  encodeFrame,
  FrameReader,
  MOST_FRAME_BYTES,
  positionFrame,
} from '../../../src/bucket/pushed-frame.js'
import { encodeRecords } from '../../../src/bucket/records.js'
import { SlateThread } from '../../../src/bucket/slate-thread.js'
import { hasReached, type Position } from '../../../src/bucket/watermark.js'
import { VicinalError } from '../../../src/core/errors.js'
import { encodeBounded } from '../../../src/log/record.js'
import { Random, runSeed } from '../../oracle/fault-random.js'

const PATIENCE = { timeout: 120_000, interval: 10 }
const UUID = '11111111-1111-4111-8111-111111111111'
const OTHER = '22222222-2222-4222-8222-222222222222'
const key = (text: string) => new Uint8Array(Buffer.from(text))
const record = encodeBounded({ op: 'delete', ids: new Uint32Array(5) })

async function store() {
  const root = mkdtempSync(join(tmpdir(), 'vicinal-pushed-'))
  const address = parseStore(pathToFileURL(root).href)
  const open: { close(): Promise<void> }[] = []
  onTestFinished(async () => {
    for (const each of open) await each.close()
    rmSync(root, { recursive: true, force: true })
  })
  const opened = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const each = await opening
    open.push(each)
    return each
  }
  return {
    async owner() {
      const frames: Buffer[] = []
      const onBatch = (batch: Parameters<typeof encodeFrame>[0]) => frames.push(encodeFrame(batch))
      return { group: await opened(Group.open(address, { onBatch })), frames }
    },
    reader: () => opened(GroupReader.open(address)),
  }
}

async function entriesOf(from: Pick<Group, 'scan'>, prefix: string): Promise<string> {
  const found: string[] = []
  for await (const [name, value] of from.scan(key(prefix)))
    found.push(`${Buffer.from(name).toString('base64')}=${Buffer.from(value).toString('base64')}`)
  return found.join(' ')
}

test('a frame is read as it was written, in pieces of any size, and anything else is refused', () => {
  const position = { epoch: 3, batch: 9, catalogueBatch: 4 }
  const puts: [Uint8Array, Uint8Array][] = [
    [key(`m/${UUID}`), key('manifest')],
    [recordsKey(UUID, 7), encodeRecords(3, [record])],
    [key('x/an-object'), key('is not read by readers')],
  ]
  const frame = encodeFrame({ position, puts, deletes: [key(`m/${OTHER}`), key('w')] })
  const decoded = decodeFrame(frame)
  expect(decoded).toMatchObject({ position, isPosition: false })
  expect(decoded.puts.map(([name]) => Buffer.from(name))).toEqual(
    [key(`m/${UUID}`), recordsKey(UUID, 7)].map(Buffer.from),
  )
  expect(decoded.deletes.map(String)).toEqual([String(Buffer.from(`m/${OTHER}`))])

  const both = Buffer.concat([frame, positionFrame(position), frame])
  for (const size of [1, 7, 40, both.length]) {
    const reader = new FrameReader()
    const read = []
    for (let at = 0; at < both.length; at += size) read.push(...reader.take(both.subarray(at, at + size)))
    expect(read.map(({ isPosition }) => isPosition)).toEqual([false, true, false])
  }
  const corrupt = { code: 'CORRUPT' }
  for (let at = 0; at < frame.length; at++) {
    const flipped = Buffer.from(frame)
    flipped[at] = (flipped[at] as number) ^ 0x10
    expect(() => decodeFrame(flipped), `byte ${at}`).toThrow(expect.objectContaining(corrupt))
    expect(() => decodeFrame(frame.subarray(0, at)), `${at} bytes`).toThrow(expect.objectContaining(corrupt))
  }
  const refused = (put: [Uint8Array, Uint8Array]) =>
    expect(() => decodeFrame(encodeFrame({ position, puts: [put], deletes: [] }))).toThrow(
      expect.objectContaining(corrupt),
    )
  refused([recordsKey(UUID, 7), key('no records')])
  refused([recordsKey(UUID, 7), encodeRecords(4, [record])])
  refused([recordsKey(UUID, 7), encodeRecords(3, [{ chunks: [key('no record')], bytes: 9 }])])
  refused([key('r/no-uuid'), encodeRecords(3, [record])])
  const large = { position, puts: [[key(`m/${UUID}`), Buffer.alloc(MOST_FRAME_BYTES)] as [Uint8Array, Uint8Array]] }
  expect(decodeFrame(encodeFrame({ ...large, deletes: [] })).isPosition).toBe(true)
  const lying = positionFrame(position)
  lying.writeUInt32LE(MOST_FRAME_BYTES, 0)
  expect(() => new FrameReader().take(lying)).toThrow(/a frame of/)
})

test.each<[string, Uint8Array, string]>([
  ['a manifest of no uuid', key('m/../../../../../../../../../../../../a'), 'a manifest'],
  ['a manifest of more than a uuid', key(`m/${UUID}/..`), 'a manifest'],
  ['records of no uuid', recordsKey('../../../../../../../../../../../../', 7), ''],
  ['a collection whose uuid is a path', key('c/a'), `{"uuid":"${UUID}/../${OTHER}"}`],
  ['a collection without a uuid', key('c/a'), '{}'],
  ['a collection that is no JSON', key('c/a'), 'a collection'],
  ['a collection that is null', key('c/a'), 'null'],
  ['a collection whose name is a path', key('c/../a'), `{"uuid":"${UUID}"}`],
  ['a collection whose name is no UTF-8', Buffer.from([99, 47, 0xff]), `{"uuid":"${UUID}"}`],
  ['aliases that are no pairs', key('a'), '[1, 2]'],
  ['aliases of more than two', key('a'), '[["a", "b", "c"]]'],
  ['aliases that are no list', key('a'), '{"a":"b"}'],
  ['quotas that are no object', key('q'), '[]'],
  ['a snapshot whose name is a path', key('s/../a.snapshot'), '{"creationTime":"","bytes":1,"checksum":""}'],
  ['a snapshot of fewer bytes than none', key('s/a.snapshot'), '{"creationTime":"","bytes":-1,"checksum":""}'],
  ['a snapshot without facts', key('s/a.snapshot'), '{}'],
])('a pushed frame with %s is refused', (_, name, value) => {
  const position = { epoch: 3, batch: 9, catalogueBatch: 9 }
  const bytes = name[0] === 'r'.charCodeAt(0) ? encodeRecords(3, [record]) : key(value)
  expect(() => decodeFrame(encodeFrame({ position, puts: [[name, bytes]], deletes: [] }))).toThrow(
    expect.objectContaining({ code: 'CORRUPT' }),
  )
})

test('a pushed frame with what an owner writes is taken', () => {
  const puts = Object.entries({
    a: '[["a","b"]]',
    q: '{"maxCollections":3}',
    'c/a thing': `{"uuid":"${UUID}"}`,
    's/a-1.snapshot': '{"creationTime":"2026-12-02T00:00:00Z","bytes":1,"checksum":"00"}',
    [`m/${UUID}`]: 'is checked where it is read',
  }).map(([name, value]): [Uint8Array, Uint8Array] => [key(name), key(value)])
  const deletes = ['a', 'c/a', 's/a-1.snapshot', `m/${UUID}`].map(key)
  const decoded = decodeFrame(encodeFrame({ position: { epoch: 3, batch: 9, catalogueBatch: 9 }, puts, deletes }))
  expect([decoded.puts.length, decoded.deletes.length]).toEqual([5, 4])
})

test('a reader never sees anything but a state that the owner had, and none older than before', async () => {
  const seed = runSeed('pushed batches')
  const random = new Random(seed)
  const { owner, reader: opened } = await store()
  const { group, frames } = await owner()
  /** By batch; the first is that of the opening. */
  const states: Record<string, string[]> = { 'm/': [''], 'r/': [''] }
  const textOf = ({ epoch, batch }: Position) => `${epoch}.${batch}`
  const reader = await opened()
  let before: Position = { epoch: 0, batch: 0, catalogueBatch: 0 }
  let seq = 0
  let first = 1
  let delivered = 0
  for (let round = 0; round < 150; round++) {
    const puts: [Uint8Array, Uint8Array][] = [[key(`m/${UUID.slice(0, -1)}${random.below(4)}`), key(String(round))]]
    for (let i = random.below(3); i > 0; i--) puts.push([recordsKey(UUID, ++seq), encodeRecords(1, [record])])
    const deletes: Uint8Array[] = []
    for (let i = random.below(4); i > 0 && first < seq - 3; i--) deletes.push(recordsKey(UUID, first++))
    await group.write({ puts, deletes })
    for (const [prefix, all] of Object.entries(states)) all.push(await entriesOf(group, prefix))
    while (delivered < frames.length && random.below(3) > 0) {
      // One in ten is lost, and the next one shows the gap.
      if (random.below(10) > 0) reader.take(decodeFrame(frames[delivered] as Buffer))
      if (random.below(10) === 0) reader.take(decodeFrame(frames[delivered] as Buffer))
      delivered++
    }
    if (random.below(20) === 0) reader.cut()
    const position = await reader.position(random.below(2) === 0)
    for (const [prefix, all] of Object.entries(states)) {
      // Its database may have more by now than it knows, and what it lacks of the store is not older than its position.
      const seen = await entriesOf(reader, prefix)
      expect(all.slice(position.batch), `${prefix} at ${textOf(position)}, seed ${seed}`).toContain(seen)
    }
    expect(hasReached(position, before), `${textOf(position)} after ${textOf(before)}, seed ${seed}`).toBe(true)
    before = position
  }
  reader.cut()
  await expect.poll(async () => textOf(await reader.position(true)), PATIENCE).toBe(textOf(group.position))
  for (const prefix of ['m/', 'r/']) expect(await entriesOf(reader, prefix)).toBe(await entriesOf(group, prefix))
})

test('nothing is pushed before it is durable, and a refused batch never', async () => {
  const { owner } = await store()
  const first = await owner()
  const put = { puts: [[key(`m/${UUID}`), key('1')]] as [Uint8Array, Uint8Array][] }
  const writing = first.group.write(put)
  expect(first.frames.length).toBe(0)
  await writing
  await expect.poll(() => first.frames.length, PATIENCE).toBe(1)
  const second = await owner()
  await expect(first.group.write(put)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  expect(first.frames.length).toBe(1)
  expect(second.frames.length).toBe(0)
})

/** What a reader has once a frame of the owner before comes late. Both owners use the same numbers. */
async function afterLateFrame(): Promise<string> {
  const { owner, reader: opened } = await store()
  const put = (text: string): [Uint8Array, Uint8Array][] => [[key(`m/${UUID}`), key(text)]]
  const first = await owner()
  for (const text of ['one', 'two', 'three']) await first.group.write({ puts: put(text) })
  const second = await owner()
  await second.group.write({ puts: put('of the next owner') })
  const reader = await opened()
  await expect.poll(async () => await reader.position(), PATIENCE).toMatchObject({ epoch: 2, batch: 1 })
  for (const frame of first.frames) reader.take(decodeFrame(frame))
  return String(Buffer.from((await reader.get(key(`m/${UUID}`))) ?? []))
}

test('a late frame of the owner before brings nothing back', async () => {
  expect(await afterLateFrame()).toBe('of the next owner')
})

test('without the epoch on pushed frames it would', async () => {
  const take = PushedBatches.prototype.take
  vi.spyOn(PushedBatches.prototype, 'take').mockImplementation(function sabotaged(this: PushedBatches, frame) {
    const { epoch } = this.position
    take.call(this, { ...frame, position: { ...frame.position, epoch } })
  })
  onTestFinished(() => void vi.restoreAllMocks())
  expect(await afterLateFrame()).not.toBe('of the next owner')
})

/** The next batch is durable, and its answer is lost. */
function loseAnswer(): void {
  const write = SlateThread.prototype.write
  const spied = vi.spyOn(SlateThread.prototype, 'write')
  spied.mockImplementationOnce(async function answerless(this: SlateThread, ...batch) {
    await write.apply(this, batch)
    throw new VicinalError('UNAVAILABLE', 'the answer was lost', { details: { ending: 'lost' } })
  })
  onTestFinished(() => void vi.restoreAllMocks())
}

test('a write that was found after an unknown outcome is read at once by a reader that the owner pushes to', async () => {
  const { owner, reader: opened } = await store()
  const { group, frames } = await owner()
  const reader = await opened()
  const put = async (text: string) => {
    await group.write({ puts: [[key(`m/${UUID}`), key(text)]] })
    for (const frame of frames.splice(0)) reader.take(decodeFrame(frame))
  }
  // While batches come, its database looks every 10 s.
  for (let at = 0; at < 20; at++) {
    await put(`before ${at}`)
    await reader.position()
    await pause(100)
  }
  const before = group.epoch
  loseAnswer()
  await put('found')
  expect(group.epoch).toBe(before + 1)
  const seen = async () => {
    await reader.position()
    return String(Buffer.from((await reader.get(key(`m/${UUID}`))) ?? []))
  }
  await expect.poll(seen, { timeout: 3_000, interval: 20 }).toBe('found')
  await put('after')
  await expect.poll(seen, { timeout: 3_000, interval: 20 }).toBe('after')
  expect(await reader.position()).toEqual(group.position)
})
