import Type from 'typebox'
import { CollectionOptions, ConfigChange } from '../../core/schema.js'
import { infoToWire } from '../../wire/collection-info.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { collectionInfo } from '../collection-infos.js'
import { CallParameters, ChangeParameters, CreationParameters } from '../parameters.js'

const ALL = '/collections'
const ONE = '/collections/:name'

const READ = { method: 'GET', access: 'read', work: 'read' } as const
const CHANGE = {
  access: 'write',
  scope: 'all',
  work: 'write',
  parameters: ChangeParameters,
  answer: Type.Boolean(),
} as const

export const collectionRoutes: Route[] = [
  { ...READ, path: ALL, scope: 'listed', summary: 'Names of all collections.', run: list },
  {
    ...{ ...READ, path: ONE, scope: 'collection', summary: 'A collection: its state and its configuration.' },
    run: info,
  },
  {
    ...{ ...CHANGE, method: 'PUT', path: ONE, summary: 'Makes a collection.', body: CollectionOptions },
    parameters: CreationParameters,
    run: create,
  },
  {
    ...{ ...CHANGE, method: 'PATCH', path: ONE, body: ConfigChange },
    summary: 'Changes the configuration of a collection in use.',
    run: update,
  },
  {
    ...{ ...CHANGE, method: 'DELETE', path: ONE, summary: 'Deletes a collection.' },
    run: (call) => call.database.deleteCollection(call.collectionName, call.options()),
  },
  { ...READ, path: `${ONE}/exists`, scope: 'collection', summary: 'Whether a collection exists.', run: exists },
  // Not in Qdrant: the library's verbs.
  waits('warm', 'read', 'Opens a collection ahead of its use.'),
  waits('flush', 'write', 'Answers when everything acknowledged is in the table.'),
  waits('waitForIndex', 'read', 'Answers when everything is indexed.'),
]

function waits(verb: 'warm' | 'flush' | 'waitForIndex', access: 'read' | 'write', summary: string): Route {
  const path = `${ONE}/${verb === 'waitForIndex' ? 'wait-for-index' : verb}`
  return {
    ...{ method: 'POST', path, access, scope: 'collection', work: access, summary, parameters: CallParameters },
    async run(call) {
      await (await call.collection())[verb](call.waitingOptions())
      return true
    },
  }
}

async function list(call: Call): Promise<unknown> {
  const names = await call.database.collections(call.options())
  return { collections: names.filter((name) => call.rights.sees(name)).map((name) => ({ name })) }
}

async function info(call: Call): Promise<unknown> {
  return infoToWire(await collectionInfo(await call.collection()))
}

async function create(call: Call): Promise<boolean> {
  const options = bodyOf(CollectionOptions, call.body ?? null)
  // Ours: with `ensure=true` a collection that is there already is no error, if it has this configuration.
  if (call.parameters.ensure) await call.database.ensureCollection(call.collectionName, options, call.options())
  else await call.database.createCollection(call.collectionName, options, call.options())
  return true
}

async function update(call: Call): Promise<boolean> {
  const change = bodyOf(ConfigChange, call.body ?? null)
  await (await call.collection()).updateConfig(change, call.options())
  return true
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
