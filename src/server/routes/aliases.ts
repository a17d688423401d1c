import type { AliasDescription } from '../../core/aliases.js'
import { aliasActionsOf } from '../../wire/aliases.js'
import type { Call, Route } from '../call.js'

export const aliasRoutes: Route[] = [
  { method: 'POST', path: '/collections/aliases', access: 'write', work: 'write', run: update },
  { method: 'GET', path: '/aliases', access: 'read', work: 'read', run: list },
  { method: 'GET', path: '/collections/:name/aliases', access: 'read', work: 'read', run: listOfOne },
]

async function update(call: Call): Promise<boolean> {
  await call.database.updateAliases(aliasActionsOf(call.body), call.changeOptions())
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
