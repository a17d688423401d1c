/**
 * The rights of a caller. A key may do everything or read everything. A token may do the same, or has rights to single
 * collections. The words are Qdrant 1.19's.
 */
import Type from 'typebox'
import { VicinalError } from '../core/errors.js'
import { text } from '../core/vocabulary/declare.js'

/** Of the whole database: `r` reads, `m` does everything. */
export const GLOBAL_MODES = ['r', 'm'] as const
export type GlobalMode = (typeof GLOBAL_MODES)[number]
/** Of one collection: `r` reads, `prw` also writes points, `rw` also makes indexes, vectors and snapshots. */
export const COLLECTION_MODES = ['r', 'rw', 'prw'] as const
export type CollectionMode = (typeof COLLECTION_MODES)[number]

/** As a token's claim `access` tells rights. */
export type AccessClaim = GlobalMode | readonly { readonly collection: string; readonly access: CollectionMode }[]

/** The access that a route needs: none, any key, a key that may write, or the key of another node of the store. */
export type Access = 'open' | 'read' | 'write' | 'cluster'

/**
 * The part of the database that a route reads or changes:
 *
 * - `collection`: one collection and its points;
 * - `extras`: a collection's snapshots, indexes and shards;
 * - `listed`: all that the caller may see; the answer leaves out the rest;
 * - `all`: the whole database.
 */
export type Scope = 'collection' | 'extras' | 'listed' | 'all'
export const SCOPES: readonly unknown[] = ['collection', 'extras', 'listed', 'all'] satisfies Scope[]

/** The answer of `GET /access`. */
export const CallerAccess = Type.Object(
  {
    subject: text("The kind of the caller's key, or the subject of its token."),
    access: Type.Union(
      [
        Type.Enum(GLOBAL_MODES),
        Type.Array(Type.Object({ collection: text('The collection.'), access: Type.Enum(COLLECTION_MODES) })),
      ],
      { description: '`m`: everything. `r`: everything may be read. A list: what may be done with each collection.' },
    ),
  },
  { $id: 'CallerAccess', description: 'The rights of the caller.' },
)

export class Rights {
  static readonly ALL = new Rights('m')
  static readonly READ = new Rights('r')
  static readonly NONE = new Rights([])

  readonly claim: AccessClaim
  readonly #modes: ReadonlyMap<string, CollectionMode> | null

  constructor(claim: AccessClaim) {
    this.claim = claim
    this.#modes =
      typeof claim === 'string' ? null : new Map(claim.map(({ collection, access }) => [collection, access]))
  }

  /** Whether they hold for all collections alike. */
  get areGlobal(): boolean {
    return this.#modes === null
  }

  sees(collection: string): boolean {
    return this.#modes?.has(collection) ?? true
  }

  /** Whether anything of the collection may be written. */
  mayWrite(collection: string): boolean {
    return this.#modes === null ? this.claim === 'm' : (this.#modes.get(collection) ?? 'r') !== 'r'
  }

  /** Throws FORBIDDEN and names the missing right, unless they suffice. `collection` is the name in the path. */
  check(access: Access, scope: Scope, collection: string): void {
    const isWrite = access === 'write'
    if (this.#modes === null) {
      if (isWrite && this.claim !== 'm') throw forbidden('write access is required', { required: 'm' })
      return
    }
    if (scope === 'listed') return
    if (scope === 'all') {
      const required = isWrite ? 'm' : 'r'
      throw forbidden(`access "${required}" to the whole database is required, and the token names collections`, {
        required,
      })
    }
    const mode = this.#modes.get(collection)
    const of = `to collection ${JSON.stringify(collection)} is required`
    const told = (required: CollectionMode) => ({ collection, required })
    if (mode === undefined) throw forbidden(`access ${of}`, told(isWrite ? 'rw' : 'r'))
    if (isWrite && mode === 'r') throw forbidden(`write access ${of}`, told('rw'))
    if (scope === 'extras' && mode === 'prw') {
      throw forbidden(`more than access to points ${of}`, told(isWrite ? 'rw' : 'r'))
    }
  }
}

function forbidden(what: string, details: Record<string, unknown>): VicinalError {
  return new VicinalError('FORBIDDEN', what, { details })
}
