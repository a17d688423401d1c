import Type from 'typebox'
import { AliasChanges, type AliasDescription } from '../../core/aliases.js'
import { read } from '../../core/vocabulary/reader.js'
import type { Call, Route } from '../call.js'
import { ChangeParameters } from '../parameters.js'

const READ = { method: 'GET', access: 'read', work: 'read' } as const

export const aliasRoutes: Route[] = [
  {
    method: 'POST',
    path: '/collections/aliases',
    access: 'write',
    work: 'write',
    summary: 'Changes aliases, all of them or none.',
    body: AliasChanges,
    parameters: ChangeParameters,
    answer: Type.Boolean(),
    run: update,
  },
  { ...READ, path: '/aliases', summary: 'All aliases.', run: list },
  { ...READ, path: '/collections/:name/aliases', summary: 'Aliases of a collection.', run: listOfOne },
]

async function update(call: Call): Promise<boolean> {
  const { actions } = read(AliasChanges, call.anyBody, 'wire', 'body')
  await call.database.updateAliases(actions, call.options())
  return true
}

async function list(call: Call): Promise<unknown> {
  return { aliases: (await call.database.aliases(call.options())).map(wireAlias) }
}

async function listOfOne(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const aliases = await collection.aliases(call.options())
  return { aliases: aliases.map((aliasName) => wireAlias({ aliasName, collectionName: collection.name })) }
}

function wireAlias({ aliasName, collectionName }: AliasDescription): object {
  return { alias_name: aliasName, collection_name: collectionName }
}
