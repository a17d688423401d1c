import { VicinalError } from '../core/errors.js'

/** The node that opened a group. */
export interface GroupOwner {
  /** Number of the opening. */
  epoch: number
  /** Name of the opening: a later attempt of the same process knows its own by it. */
  opening?: string | null
  /** The process's id; null for a process that is no node of a service. */
  node: string | null
  /** Where other nodes reach it. */
  url: string | null
}

export function encodeOwner(owner: GroupOwner): Uint8Array {
  return new Uint8Array(Buffer.from(JSON.stringify(owner), 'utf8'))
}

/** The first format had the epoch alone. Throws CORRUPT for anything else. */
export function decodeOwner(value: Uint8Array | null): GroupOwner | null {
  if (value === null) return null
  const found = parsed(Buffer.from(value).toString('utf8'))
  if (typeof found === 'number') return { epoch: found, node: null, url: null }
  const { epoch, opening = null, node = null, url = null } = found as Partial<GroupOwner>
  if (!Number.isSafeInteger(epoch))
    throw new VicinalError(
      'CORRUPT',
      "the store's database: the key of its owner is unreadable: expected an integer epoch",
    )
  return { epoch: epoch as number, opening, node, url }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}
