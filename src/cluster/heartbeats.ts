import { randomUUID } from 'node:crypto'
import type { Objects } from '../bucket/objects.js'
import { parseWatermark, type Watermark, watermarkText } from '../bucket/watermark.js'

/** Objects by which the nodes of a store tell of themselves. */
const FOLDER = 'nodes/'
/** Of the last node that took the store. The store's database has the truth: this says when to look there. */
const OWNER = `${FOLDER}owner.json`
/** Changed by a node that does not hear the owner. */
const ASKED = `${FOLDER}asked.json`

export const ROLES = ['write', 'query'] as const
export type Role = (typeof ROLES)[number]

/** A node's periodic report. */
export interface Heartbeat {
  /** The process's own. */
  id: string
  /** Where other nodes reach it. */
  url: string
  roles: readonly Role[]
  /** The number of its opening, if it owns the store. */
  epoch: number | null
  /** The epoch of the owner whose store it is opening for itself. */
  opening: number | null
  /** Rises with each beat. */
  beat: number
  /** How far this node has read; for the owner, how far it has written. */
  watermark: Watermark
  lagSeconds: number
}

export class Heartbeats {
  readonly #objects: Pick<Objects, 'read' | 'write' | 'list' | 'remove'>

  constructor(objects: Pick<Objects, 'read' | 'write' | 'list' | 'remove'>) {
    this.#objects = objects
  }

  async write({ watermark, ...others }: Heartbeat): Promise<void> {
    await this.#objects.write(pathOf(others.id), json({ ...others, watermark: watermarkText(watermark) }))
  }

  /** Null if there is none, or none that can be read. */
  async read(id: string): Promise<Heartbeat | null> {
    const found = await this.#objects.read(pathOf(id))
    return found && heartbeatOf(id, parsed(found))
  }

  /** Of all nodes, with the age of each in milliseconds beside the youngest. */
  async list(): Promise<(Heartbeat & { ageMs: number })[]> {
    const listed = (await this.#objects.list(FOLDER)).filter(({ path }) => path !== OWNER && path !== ASKED)
    const youngestMs = Math.max(...listed.map(({ modifiedMs }) => modifiedMs ?? 0))
    const found = await Promise.all(
      listed.map(async ({ path, modifiedMs }) => {
        const beat = await this.read(path.slice(FOLDER.length).replace(/\.json$/, ''))
        return beat && { ...beat, ageMs: youngestMs - (modifiedMs ?? youngestMs) }
      }),
    )
    return found.filter((beat) => beat !== null)
  }

  async remove(id: string): Promise<void> {
    await this.#objects.remove(pathOf(id))
  }

  /** Tells the node that owned the store before to look whether it still does. */
  async tellOwner(epoch: number): Promise<void> {
    await this.#objects.write(OWNER, json({ epoch }))
  }

  /** Has the owner beat often for a while, and look whether it still owns the store. */
  async ask(): Promise<void> {
    await this.#objects.write(ASKED, json({ asked: randomUUID() }))
  }

  /** Another text after each `ask`. */
  async asked(): Promise<string> {
    const found = await this.#objects.read(ASKED)
    return found ? Buffer.from(found).toString('utf8') : ''
  }

  /** 0 if no owner has told of itself. */
  async toldEpoch(): Promise<number> {
    const found = await this.#objects.read(OWNER)
    const { epoch } = found ? parsed(found) : {}
    return typeof epoch === 'number' ? epoch : 0
  }
}

const pathOf = (id: string) => `${FOLDER}${id}.json`
const json = (value: object) => Buffer.from(JSON.stringify(value), 'utf8')

function parsed(bytes: Uint8Array): Record<string, unknown> {
  try {
    return (JSON.parse(Buffer.from(bytes).toString('utf8')) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

const integerOf = (told: unknown) => (Number.isSafeInteger(told) ? (told as number) : null)

/** A node's report, checked like a client's body. */
function heartbeatOf(id: string, told: Record<string, unknown>): Heartbeat | null {
  const { url, roles, epoch, opening, beat, watermark, lagSeconds } = told
  if (told.id !== id || typeof url !== 'string' || !isAddress(url)) return null
  if (!Array.isArray(roles) || !Number.isSafeInteger(beat)) return null
  try {
    return {
      id,
      url,
      roles: ROLES.filter((role) => roles.includes(role)),
      epoch: integerOf(epoch),
      opening: integerOf(opening),
      beat: beat as number,
      watermark: parseWatermark(watermark),
      lagSeconds: typeof lagSeconds === 'number' ? lagSeconds : 0,
    }
  } catch {
    return null
  }
}

/** Whether it is the address of a service: a scheme, a host and a port alone. */
export function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, pathname, search, hash } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return false
  return username === '' && password === '' && pathname === '/' && search === '' && hash === ''
}
