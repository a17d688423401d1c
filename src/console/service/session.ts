/** The service that serves the page. One function asks it, with the key that this tab keeps. */
import { readJson, writeJson } from './exact-json'

const KEY = 'vicinal-api-key'
/** The address of the service: the page lies in its folder `dashboard`. */
const SERVICE = new URL('..', new URL('.', location.href))

/** An error of the service, in its own words. */
export class Refused extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly field?: string,
  ) {
    super(message)
  }
}

/** Answers whether the tab has another key now. */
type KeyAsker = () => Promise<boolean>

let asker: KeyAsker | null = null
const listeners = new Set<() => void>()

/** Has requests that the service refuses for their key wait for another one, until the returned function is called. */
export function onKeyAsked(ask: KeyAsker): () => void {
  asker = ask
  return () => {
    asker = null
  }
}

/** Calls back whenever the tab takes another key, until the returned function is called. */
export function onKeyKept(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function keyOfTab(): string | null {
  return sessionStorage.getItem(KEY)
}

export function keepKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, key)
  for (const listener of listeners) listener()
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export function addressOf(path: string): string {
  return new URL(path.slice(1), SERVICE).href
}

/** The whole envelope of an answer. Integers beyond 2^53 are bigints. */
export async function askEnvelope<T>(
  method: Method,
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<{ result: T; time: number; [beside: string]: unknown }> {
  const answer = await send(method, path, body, signal)
  const text = await answer.text()
  if (!answer.ok) throw refusalOf(answer.status, text)
  return readJson(text) as never
}

export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await askEnvelope<T>(method, path, body, signal)).result
}

/** An answer that is no envelope: metrics, a file. */
export async function askPlain(path: string, signal?: AbortSignal): Promise<Response> {
  const answer = await send('GET', path, undefined, signal)
  if (!answer.ok) throw refusalOf(answer.status, await answer.text())
  return answer
}

/** An answer as it came, refused or not. */
export interface Exchange {
  status: number
  type: string
  /** Null for a file, which is not read. */
  text: string | null
  /** Whether there is more of the text. */
  isCut: boolean
  millis: number
}

const TEXT_TYPE = /^(text\/|application\/(json|x-ndjson|openmetrics))/
/** Bytes of an answer that are read as text. */
const MOST_BYTES = 4 * 1024 * 1024

/** Sends a text as it is, and reads the beginning of the answer as text. */
export async function exchange(method: Method, path: string, body?: string, type?: string): Promise<Exchange> {
  const startMs = performance.now()
  const answer = await send(method, path, body, undefined, type === undefined ? {} : { 'content-type': type })
  const told = answer.headers.get('content-type') ?? ''
  const isText = told === '' || TEXT_TYPE.test(told)
  if (!isText) await answer.body?.cancel()
  const { text, isCut } = isText ? await beginningOf(answer) : { text: null, isCut: false }
  return { status: answer.status, type: told, text, isCut, millis: performance.now() - startMs }
}

async function beginningOf({ body }: Response): Promise<{ text: string; isCut: boolean }> {
  const reader = body?.getReader()
  const decoder = new TextDecoder()
  let [text, bytes] = ['', 0]
  for (;;) {
    const piece = await reader?.read()
    if (piece?.value === undefined) return { text: text + decoder.decode(), isCut: false }
    text += decoder.decode(piece.value, { stream: true })
    bytes += piece.value.length
    if (bytes > MOST_BYTES) {
      await reader?.cancel()
      return { text, isCut: true }
    }
  }
}

/** A text is sent as it is. */
export async function send(
  method: Method,
  path: string,
  body: unknown,
  signal: AbortSignal | undefined,
  more: Record<string, string> = {},
): Promise<Response> {
  const isForm = body instanceof FormData
  const sent: BodyInit | null = isForm ? body : body === undefined ? null : textOf(body)
  for (;;) {
    const key = keyOfTab()
    const headers: Record<string, string> = key === null ? {} : { 'api-key': key }
    if (sent !== null && !isForm) Object.assign(headers, { 'content-type': 'application/json' }, more)
    const answer = await fetch(addressOf(path), { method, headers, body: sent, signal: signal ?? null })
    if (answer.status !== 401 || !(await isReplaced(key))) return answer
    signal?.throwIfAborted()
  }
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : writeJson(body)
}

/** Another request may have had the key replaced meanwhile. */
async function isReplaced(key: string | null): Promise<boolean> {
  return keyOfTab() !== key || (asker !== null && (await asker()))
}

export function refusalOf(status: number, text: string): Refused {
  try {
    const { error, code, details } = JSON.parse(text).status
    return new Refused(error, status, code, details?.field)
  } catch {
    return new Refused(text.slice(0, 300) || `The service answered ${status}`, status, 'UNKNOWN')
  }
}
