import { setImmediate as nextTurn } from 'node:timers/promises'
import Type from 'typebox'
import { invalid, notFound } from '../../core/errors.js'
import {
  type CollectionSnapshots,
  type SnapshotDescription,
  SnapshotRecovery,
  type SnapshotSource,
  type Snapshots,
} from '../../core/snapshots.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { CallParameters, SnapshotParameters, UploadParameters } from '../parameters.js'
import { PlainBody, StreamBody } from '../respond.js'
import type { Scope } from '../rights.js'

const ONE = '/collections/:name/snapshots'
/** A collection is one shard, so a shard's snapshots are the collection's. */
const SHARD = '/collections/:name/shards/:shard/snapshots'
const ALL = '/snapshots'

type Handler = (call: Call, snapshots: Snapshots) => unknown
type Recover = (call: Call, source: SnapshotSource, options: object) => Promise<unknown>

const read = { access: 'read', work: 'read', isAdministrative: true } as const
const write = { access: 'write', work: 'write' } as const

export const snapshotRoutes: Route[] = [
  ...routesOf(ONE, 'extras', ofCollection, recoverCollection),
  ...routesOf(SHARD, 'extras', ofShard, recoverShard),
  // Qdrant restores no snapshot of a whole database while it runs; these routes are not in Qdrant.
  ...routesOf(ALL, 'all', async ({ database }) => database.snapshots, recoverAll),
  { ...write, method: 'GET', path: '/collections/:name/shards/:shard/snapshot', scope: 'all', run: streamShard },
]

/** To list, make and delete snapshots needs `scope`. To download, upload or recover one needs `all`. */
function routesOf(path: string, scope: Scope, of: (call: Call) => Promise<Snapshots>, recover: Recover): Route[] {
  const run = (handler: Handler) => async (call: Call) => handler(call, await of(call))
  const one = `${path}/:snapshot`
  const parameters = SnapshotParameters
  const taken = { ...write, answer: Type.Boolean() }
  return [
    { ...read, method: 'GET', path, scope, summary: 'Lists snapshots.', parameters: CallParameters, run: run(list) },
    { ...write, method: 'POST', path, scope, summary: 'Makes a snapshot.', parameters, run: run(create) },
    {
      // All data at once, and as it lies: more than a key that may only read should take away.
      ...{ access: 'write', work: 'read', isLocal: true, scope: 'all' },
      ...{ method: 'GET', path: one, summary: 'A snapshot.', parameters: CallParameters, run: run(download) },
    },
    { ...taken, method: 'DELETE', path: one, scope, summary: 'Deletes a snapshot.', parameters, run: run(remove) },
    {
      ...taken,
      method: 'POST',
      path: `${path}/upload`,
      scope: 'all',
      summary: 'Takes in an uploaded snapshot.',
      parameters: UploadParameters,
      isUpload: true,
      run: (call) => upload(call, recover),
    },
    {
      ...taken,
      method: 'PUT',
      path: `${path}/recover`,
      scope: 'all',
      summary: 'Takes in a snapshot from its location.',
      parameters,
      body: SnapshotRecovery,
      run: (call) => recoverFrom(call, recover),
    },
  ]
}

async function ofCollection(call: Call): Promise<CollectionSnapshots> {
  return (await call.collection()).snapshots
}

async function ofShard(call: Call): Promise<CollectionSnapshots> {
  checkShard(call)
  return await ofCollection(call)
}

function checkShard(call: Call): void {
  const shard = call.param('shard')
  if (!/^\d{1,10}$/.test(shard)) throw invalid('shard_id', 'expected the number of a shard', shard)
  if (Number(shard) !== 0) throw notFound('Shard', Number(shard))
}

async function list(call: Call, snapshots: Snapshots): Promise<unknown> {
  return (await snapshots.list(call.longOptions())).map(wireDescription)
}

async function create(call: Call, snapshots: Snapshots): Promise<unknown> {
  return await whenWaited(call, async () => wireDescription(await snapshots.create(call.longOptions())))
}

async function remove(call: Call, snapshots: Snapshots): Promise<unknown> {
  return await whenWaited(call, async () => {
    await snapshots.delete(call.param('snapshot'), call.longOptions())
    return true
  })
}

async function download(call: Call, snapshots: Snapshots): Promise<StreamBody> {
  return new StreamBody(await snapshots.read(call.param('snapshot'), call.longOptions()))
}

/** Makes a snapshot for this answer alone. */
async function streamShard(call: Call): Promise<StreamBody> {
  return new StreamBody(await (await ofShard(call)).stream(call.longOptions()))
}

async function upload(call: Call, recover: Recover): Promise<unknown> {
  const { wait: _, timeout: __, ...recovery } = call.parameters
  const options = { ...recovery, ...call.longOptions() }
  return await call.receiveFile('snapshot', (chunks) => recover(call, { chunks }, options))
}

async function recoverFrom(call: Call, recover: Recover): Promise<unknown> {
  const { location, apiKey, ...recovery } = bodyOf(SnapshotRecovery, call.body ?? null)
  const source = { location, ...(apiKey === undefined ? {} : { apiKey }) }
  return await whenWaited(call, () => recover(call, source, { ...recovery, ...call.longOptions() }))
}

async function recoverCollection(call: Call, source: SnapshotSource, options: object): Promise<boolean> {
  await call.database.recoverCollection(call.collectionName, source, options)
  return true
}

async function recoverShard(call: Call, source: SnapshotSource, options: object): Promise<boolean> {
  checkShard(call)
  return await recoverCollection(call, source, options)
}

async function recoverAll(call: Call, source: SnapshotSource, options: object): Promise<boolean> {
  await call.database.recover(source, options)
  return true
}

/** With `wait=false` the work goes on after the answer, and a failure is logged. */
async function whenWaited(call: Call, work: () => Promise<unknown>): Promise<unknown> {
  const { wait: waits = true } = call.parameters
  const started = work()
  if (waits) return await started
  let isAnswered = false
  started.catch((error: unknown) => isAnswered && call.logFailure(error))
  // A refusal at once, such as too many snapshots, is still answered.
  await Promise.race([started, nextTurn()])
  isAnswered = true
  return new PlainBody({ status: 'accepted', time: 0 }, 202)
}

function wireDescription({ name, creationTime, bytes, checksum }: SnapshotDescription): object {
  // Qdrant's snapshot times are UTC without a zone.
  return { name, creation_time: creationTime.replace(/Z$/, ''), size: bytes, checksum }
}
