/** Requests that delete or replace stored data: the page asks before it sends them. */

/** A POST or PUT that takes stored data away, whatever its body says. */
const ALWAYS = /\/(delete|clear|snapshots\/(recover|upload))$/
/** Routes whose body has changes of several kinds. */
const MIXED = /\/(batch|aliases)$/
const DESTROYING_CHANGES = /"(delete|clear|overwrite)_?\w*"\s*:/

/** A snapshot replaces a whole collection, or all of them. */
const REPLACED = /\/snapshots\/(recover|upload)$/

export function destroys(method: string, path: string, body: string | null): boolean {
  if (method === 'DELETE') return true
  if (method === 'GET') return false
  if (method === 'PUT' && path.endsWith('/points/payload')) return true
  return ALWAYS.test(path) || (MIXED.test(path) && DESTROYING_CHANGES.test(body ?? ''))
}

/** The name of the thing that is destroyed as a whole, to be typed: the last parameter of the path, or the alias of the body. */
export function nameOf(
  method: string,
  path: string,
  values: Readonly<Record<string, string>>,
  body: string | null,
): string | undefined {
  if (path.endsWith('/aliases')) return /"delete_alias"\s*:\s*\{\s*"alias_name"\s*:\s*"([^"\\]+)"/.exec(body ?? '')?.[1]
  if (method !== 'DELETE' && !REPLACED.test(path)) return undefined
  const last = [...path.matchAll(/\{([^}]+)\}/g)].at(-1)?.[1]
  return last === undefined ? undefined : values[last]
}

/** The points that a body chooses: so many ids, or a filter that the service counts by. */
export function chosenBy(body: string | null): { ids: number } | { filter: object } | null {
  try {
    const { points, filter } = JSON.parse(body ?? 'null') ?? {}
    if (Array.isArray(points)) return { ids: points.length }
    return typeof filter === 'object' && filter !== null ? { filter } : null
  } catch {
    return null
  }
}
