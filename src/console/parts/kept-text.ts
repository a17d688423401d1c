/**
 * Texts of a place: in its address, or kept by the tab where they are too long for one. A kept text is named in the
 * address by a digest, under a name of its own.
 */

/** Characters of a text in an address, as it is written there. Mail and chats break longer links. */
const MOST_IN_ADDRESS = 4_000
/** Texts that the tab keeps: it has some 5 MB. */
const MOST_KEPT = 20
const KEPT = 'vicinal-text-'
const ORDER = 'vicinal-texts'

/** The texts of this document, also where the tab's session has no room for them. */
const known = new Map<string, string>()

export interface PlacedText {
  /** Null where the address names none, or one that another tab keeps. */
  text: string | null
  /** Only this tab has it. */
  isOfTab: boolean
  /** The address names a text that this tab does not have. */
  isMissing: boolean
}

export function textIn(query: URLSearchParams, name: string): PlacedText {
  const digest = query.get(`${name}-kept`)
  if (digest === null) return { text: query.get(name), isOfTab: false, isMissing: false }
  const text = known.get(digest) ?? sessionStorage.getItem(KEPT + digest)
  return { text, isOfTab: text !== null, isMissing: text === null }
}

/** The parts of an address that name the text, after it was kept where it is too long. */
export function placed(name: string, text: string): Record<string, string> {
  if (new URLSearchParams({ text }).toString().length <= MOST_IN_ADDRESS) return { [name]: text }
  const digest = digestOf(text)
  keep(digest, text)
  return { [`${name}-kept`]: digest }
}

/** The oldest texts make room. A text that still finds none is missing after a reload. */
function keep(digest: string, text: string): void {
  known.set(digest, text)
  const others = (sessionStorage.getItem(ORDER) ?? '').split(' ').filter((one) => one !== '' && one !== digest)
  for (const old of others.splice(0, others.length - MOST_KEPT + 1)) sessionStorage.removeItem(KEPT + old)
  for (;;) {
    try {
      sessionStorage.setItem(KEPT + digest, text)
      break
    } catch {
      const oldest = others.shift()
      if (oldest === undefined) break
      sessionStorage.removeItem(KEPT + oldest)
    }
  }
  sessionStorage.setItem(ORDER, [...others, digest].join(' '))
}

/** FNV-1a: names within one tab need no more. `crypto.subtle` is missing on plain HTTP. */
function digestOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0
  return `${text.length.toString(36)}-${hash.toString(36)}`
}
