import Type from 'typebox'
import { type AliasAction, AliasChanges, type AliasDescription } from '../../core/aliases.js'
import { bodyOf } from '../../wire/read-bodies.js'
import type { Call, Route } from '../call.js'
import { ChangeParameters } from '../parameters.js'

const READ = { method: 'GET', access: 'read', work: 'read' } as const

export const aliasRoutes: Route[] = [
  {
    ...{ method: 'POST', path: '/collections/aliases', access: 'write', scope: 'all', work: 'write' },
    answer: Type.Boolean(),
    ...{ summary: 'Changes aliases, all of them or none.', body: AliasChanges, parameters: ChangeParameters },
    async run(call) {
      const { actions } = bodyOf(AliasChanges, call.body ?? null)
      call.noteNamed(namedBy(actions))
      await call.database.updateAliases(actions, call.options())
      return true
    },
  },
  {
    ...{ ...READ, path: '/aliases', scope: 'listed', summary: 'All aliases.' },
    run: async (call) => told(call, await call.database.aliases(call.options())),
  },
  {
    ...{ ...READ, path: '/collections/:name/aliases', scope: 'collection', summary: 'Aliases of a collection.' },
    run: listOfOne,
  },
]

/** The collection, if all of the actions that name one name the same, and the aliases. */
function namedBy(actions: readonly AliasAction[]): { collection: string | null; aliases: string[] } {
  const collections = new Set<string>()
  const aliases = new Set<string>()
  for (const action of actions) {
    if ('createAlias' in action) {
      collections.add(action.createAlias.collectionName)
      aliases.add(action.createAlias.aliasName)
    } else if ('deleteAlias' in action) aliases.add(action.deleteAlias.aliasName)
    else aliases.add(action.renameAlias.oldAliasName).add(action.renameAlias.newAliasName)
  }
  const [collection = null] = collections
  return { collection: collections.size === 1 ? collection : null, aliases: [...aliases] }
}

async function listOfOne(call: Call): Promise<unknown> {
  const collection = await call.collection()
  const aliases = await collection.aliases(call.options())
  return told(
    call,
    aliases.map((aliasName) => ({ aliasName, collectionName: collection.name })),
  )
}

/** A token sees an alias if it names it and its collection. */
function told({ rights }: Call, aliases: readonly AliasDescription[]): object {
  const seen = aliases.filter((alias) => rights.sees(alias.aliasName) && rights.sees(alias.collectionName))
  return { aliases: seen.map(wireAlias) }
}

function wireAlias({ aliasName, collectionName }: AliasDescription): object {
  return { alias_name: aliasName, collection_name: collectionName }
}
