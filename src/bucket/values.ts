import { VicinalError } from '../core/errors.js'
import { checkCollectionName, SEGMENT_FILE, SNAPSHOT_NAME, UUID } from '../core/names.js'
import type { SnapshotDescription } from '../core/snapshots.js'
import { CATALOGUE, REMOVALS, SNAPSHOTS } from './keys.js'

/**
 * Values of JSON in a group's database. The bucket and the owner's pushes are other hands: paths are made of these names,
 * so each is checked where it is read and where it is pushed. All throw CORRUPT.
 */
export interface NamedCollection {
  name: string
  uuid: string
}

/** An entry of the catalogue. */
export function catalogueEntry(key: Uint8Array, value: Uint8Array): NamedCollection {
  const name = textOf(key.subarray(CATALOGUE.length), 'the catalogue: a name')
  const where = `the catalogue's entry of ${JSON.stringify(name)}`
  try {
    checkCollectionName(name)
  } catch (cause) {
    throw corrupt(where, (cause as Error).message, cause)
  }
  const { uuid } = objectOf(value, where)
  if (typeof uuid !== 'string' || !UUID.test(uuid)) throw corrupt(where, 'expected a uuid')
  return { name, uuid }
}

/** The name of a snapshot's key. */
export function snapshotNameOf(key: Uint8Array): string {
  const name = textOf(key.subarray(SNAPSHOTS.length), 'the snapshots: a name')
  if (!SNAPSHOT_NAME.test(name)) throw corrupt(`the entry of snapshot ${JSON.stringify(name)}`, 'its name is none')
  return name
}

/** Facts about a snapshot beside its name. */
export function snapshotEntry(name: string, value: Uint8Array): Omit<SnapshotDescription, 'name'> {
  const where = `the entry of snapshot ${name}`
  const { creationTime, bytes, checksum } = objectOf(value, where)
  if (typeof creationTime !== 'string' || typeof checksum !== 'string' || !isCount(bytes))
    throw corrupt(where, 'expected a time, bytes and a checksum')
  return { creationTime, bytes, checksum }
}

/** The path of a removal's key: of something that an owner makes, and never of anything else on the store. */
export function removalPathOf(key: Uint8Array): string {
  const path = textOf(key.subarray(REMOVALS.length), 'the removals: a path')
  const [folder = '', name = '', file = '', ...more] = path.split('/')
  const isOfCollection = UUID.test(name) && more.length === 0
  const isRemovable =
    (folder === 'segments' &&
      isOfCollection &&
      (file === '' || SEGMENT_FILE.test(file)) &&
      path !== `segments/${name}`) ||
    (folder === 'tables' && path === `tables/${name}/` && UUID.test(name)) ||
    (folder === 'snapshots' && path === `snapshots/${name}` && SNAPSHOT_NAME.test(name)) ||
    (folder === 'prune' && isOfCollection && /^\d{1,15}$/.test(file))
  if (!isRemovable) throw corrupt(`the removal of ${JSON.stringify(path)}`, 'an owner removes no such object')
  return path
}

/** Aliases, each with its collection. */
export function aliasesIn(value: Uint8Array): Map<string, string> {
  const where = 'the aliases'
  const found = jsonOf(value, where)
  if (!Array.isArray(found) || !found.every(isPair)) throw corrupt(where, 'expected pairs of names')
  return new Map(found)
}

/** Bounds of a node, as they were written. The caller checks them. */
export function quotasIn(value: Uint8Array): unknown {
  return objectOf(value, 'the quotas')
}

function objectOf(value: Uint8Array, where: string): Record<string, unknown> {
  const found = jsonOf(value, where)
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw corrupt(where, 'expected an object')
  return found as Record<string, unknown>
}

function jsonOf(value: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(textOf(value, where))
  } catch (cause) {
    throw corrupt(where, 'this is no JSON', cause)
  }
}

function textOf(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw corrupt(where, 'this is no UTF-8', cause)
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isPair = (value: unknown): value is [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')

function corrupt(where: string, what: string, cause?: unknown): VicinalError {
  return new VicinalError('CORRUPT', `the store's database: ${where}: ${what}`, { cause })
}
