import Type from 'typebox'
import { CollectionOptions, ConfigChange } from '../../core/schema.js'
import { collectionOf, configChangeOf } from '../../wire/collection.js'
import { infoToWire } from '../../wire/collection-info.js'
import type { Call, Route } from '../call.js'
import { collectionInfo } from '../collection-infos.js'
import { CallParameters, ChangeParameters, CreationParameters } from '../parameters.js'

const ALL = '/collections'
const ONE = '/collections/:name'

export const collectionRoutes: Route[] = [
  { method: 'GET', path: ALL, access: 'read', work: 'read', summary: 'Names of all collections.', run: list },
  {
    method: 'GET',
    path: ONE,
    access: 'read',
    work: 'read',
    summary: 'A collection: its state and its configuration.',
    run: info,
  },
  {
    method: 'PUT',
    path: ONE,
    access: 'write',
    work: 'write',
    summary: 'Makes a collection.',
    body: CollectionOptions,
    parameters: CreationParameters,
    answer: Type.Boolean(),
    run: create,
  },
  {
    method: 'PATCH',
    path: ONE,
    access: 'write',
    work: 'write',
    summary: 'Changes the configuration of a collection in use.',
    body: ConfigChange,
    parameters: ChangeParameters,
    answer: Type.Boolean(),
    run: update,
  },
  {
    method: 'DELETE',
    path: ONE,
    access: 'write',
    work: 'write',
    summary: 'Deletes a collection.',
    parameters: ChangeParameters,
    answer: Type.Boolean(),
    run: remove,
  },
  {
    method: 'GET',
    path: `${ONE}/exists`,
    access: 'read',
    work: 'read',
    summary: 'Whether a collection exists.',
    run: exists,
  },
  // Not in Qdrant: the same as the library's `warm`, `flush` and `waitForIndex`.
  {
    method: 'POST',
    path: `${ONE}/warm`,
    access: 'read',
    work: 'read',
    summary: 'Opens a collection ahead of its use.',
    parameters: CallParameters,
    run: warm,
  },
  {
    method: 'POST',
    path: `${ONE}/flush`,
    access: 'write',
    work: 'write',
    summary: 'Answers when everything acknowledged is in the table.',
    parameters: CallParameters,
    run: flush,
  },
  {
    method: 'POST',
    path: `${ONE}/wait-for-index`,
    access: 'read',
    work: 'read',
    summary: 'Answers when everything is indexed.',
    parameters: CallParameters,
    run: waitForIndex,
  },
]

async function list(call: Call): Promise<unknown> {
  const names = await call.database.collections(call.options())
  return { collections: names.map((name) => ({ name })) }
}

async function info(call: Call): Promise<unknown> {
  const collection = await call.collection()
  call.options()
  return infoToWire(await collectionInfo(collection))
}

async function create(call: Call): Promise<boolean> {
  const options = collectionOf(call.body)
  // Ours: with `ensure=true` a collection that is there already is no error, if it has this configuration.
  if (call.parameters.ensure) await call.database.ensureCollection(call.collectionName, options, call.options())
  else await call.database.createCollection(call.collectionName, options, call.options())
  return true
}

async function update(call: Call): Promise<boolean> {
  const change = configChangeOf(call.body)
  const options = call.options()
  await (await call.collection()).updateConfig(change, options)
  return true
}

function remove(call: Call): Promise<boolean> {
  return call.database.deleteCollection(call.collectionName, call.options())
}

async function exists(call: Call): Promise<unknown> {
  const exists = await call.database.hasCollection(call.collectionName, call.options())
  if (!exists) return { exists }
  // Not in Qdrant: the collection's own name if the request used an alias. A damaged collection exists too, without a
  // handle.
  const name = await call.collection().then(
    (collection) => collection.name,
    () => call.collectionName,
  )
  return name === call.collectionName ? { exists } : { exists, name }
}

async function warm(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.warm(call.waitingOptions())
  return true
}

async function flush(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.flush(call.waitingOptions())
  return true
}

async function waitForIndex(call: Call): Promise<boolean> {
  const collection = await call.collection()
  await collection.waitForIndex(call.waitingOptions())
  return true
}
