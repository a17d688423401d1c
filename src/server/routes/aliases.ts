import Type from 'typebox'
import { AliasChanges, type AliasDescription } from '../../core/aliases.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { ChangeParameters } from '../parameters.js'

const READ = { method: 'GET', access: 'read', work: 'read' } as const

export const aliasRoutes: Route[] = [
  {
    ...{ method: 'POST', path: '/collections/aliases', access: 'write', work: 'write', answer: Type.Boolean() },
    ...{ summary: 'Changes aliases, all of them or none.', body: AliasChanges, parameters: ChangeParameters },
    async run(call) {
      const { actions } = bodyOf(AliasChanges, call.body ?? null)
      await call.database.updateAliases(actions, call.options())
      return true
    },
  },
  {
    ...{ ...READ, path: '/aliases', summary: 'All aliases.' },
    run: async (call) => ({ aliases: (await call.database.aliases(call.options())).map(wireAlias) }),
  },
  { ...READ, path: '/collections/:name/aliases', summary: 'Aliases of a collection.', run: listOfOne },
]

async function listOfOne(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const aliases = await collection.aliases(call.options())
  return { aliases: aliases.map((aliasName) => wireAlias({ aliasName, collectionName: collection.name })) }
}

function wireAlias({ aliasName, collectionName }: AliasDescription): object {
  return { alias_name: aliasName, collection_name: collectionName }
}
