/** Finds collections that cannot be served properly, for `/readyz`. */
import type { Database } from '../core/database.js'
import { VicinalError } from '../core/errors.js'
import { lookedAt } from './collection-infos.js'

/** How long a result stays valid: orchestrators ask often, and checking collections takes longer than answering. */
const FRESH_MS = 1_000
/** Most collections in the answer; the whole list is in `/issues`. */
const MOST_LISTED = 100

export interface Readiness {
  /** False if there are collections and none of them can be read. */
  canServe: boolean
  red: { name: string; why: string }[]
}

export class ReadinessLook {
  #looked: { atMs: number; found: Promise<Readiness> } | null = null

  at(database: Database): Promise<Readiness> {
    const nowMs = performance.now()
    if (this.#looked && nowMs - this.#looked.atMs < FRESH_MS) return this.#looked.found
    const found = readinessOf(database)
    this.#looked = { atMs: nowMs, found }
    return found
  }
}

async function readinessOf(database: Database): Promise<Readiness> {
  const names = await database.collections()
  const red: Readiness['red'] = []
  let unreadable = 0
  await Promise.all(
    names.map(async (name) => {
      try {
        const info = await lookedAt(database, name)
        if (!('status' in info) || info.status !== 'red') return
        const { optimizerStatus, warnings } = info
        red.push({ name, why: optimizerStatus === 'ok' ? warnings.join('; ') : optimizerStatus.error })
      } catch (error) {
        // Deleted between listing and reading it.
        if (error instanceof VicinalError && (error.code === 'NOT_FOUND' || error.code === 'CLOSED')) return
        unreadable++
        red.push({ name, why: (error as Error).message })
      }
    }),
  )
  red.sort((a, b) => (a.name < b.name ? -1 : 1))
  const nameless = (database.nameless ?? []).map(({ message }) => ({ name: 'one of an unknown name', why: message }))
  const isAnyUnreadable = unreadable + nameless.length > 0
  return { canServe: !isAnyUnreadable || unreadable < names.length, red: [...red, ...nameless] }
}

/** One line for each collection. A caller without a key only learns that some are red. */
export function readinessText({ red, canServe }: Readiness, mayRead: boolean): string {
  if (red.length === 0) return 'all shards are ready'
  const state = canServe ? 'ready' : 'not ready'
  if (!mayRead) return `${state}, and some collections are red: send an API key to see them`
  const lines = red.slice(0, MOST_LISTED).map(({ name, why }) => `${name}: ${why}`)
  return [`${state}, and ${red.length} of the collections are red`, ...lines].join('\n')
}
