import { useEffect, useState } from 'preact/hooks'
import { addressOf, keyOfTab, onKeyKept } from '../service/session'
import { Section } from './basics'
import { Code } from './code'

export interface Request {
  method: string
  /** With its query. */
  path: string
  /** Null sends none. */
  body: string | null
  /** Default: JSON. */
  type?: string
}

/**
 * The same request for a terminal and for two languages. Where the tab has a key, the text reads it from the environment:
 * the key itself is never part of it. `of` tells two on one page apart.
 */
export function RequestTexts({ request, of = '' }: { request: Request; of?: string }) {
  const [kind, setKind] = useState<keyof typeof TEXTS>('curl')
  const text = TEXTS[kind](request, useHasKey())
  const choice = (
    <div class="row">
      <select
        aria-label={`Language of the request${of}`}
        value={kind}
        onChange={(event) => setKind(event.currentTarget.value as typeof kind)}
      >
        {Object.keys(TEXTS).map((one) => (
          <option key={one}>{one}</option>
        ))}
      </select>
      {navigator.clipboard && (
        <button type="button" class="plain" onClick={() => void navigator.clipboard.writeText(text)}>
          Copy
        </button>
      )}
    </div>
  )
  return (
    <Section title="As a request" beside={choice}>
      <Code label={`The request as ${kind}${of}`} text={text} />
    </Section>
  )
}

/** Tells whether requests of this tab are sent with a key. */
function useHasKey(): boolean {
  const [hasKey, setHasKey] = useState(keyOfTab() !== null)
  useEffect(() => onKeyKept(() => setHasKey(keyOfTab() !== null)), [])
  return hasKey
}

const JSON_TYPE = 'application/json'
const TEXTS = { curl, TypeScript: typescript, Python: python }

function curl({ method, path, body, type = JSON_TYPE }: Request, hasKey: boolean): string {
  const lines = [`curl -s -X ${method} ${shell(addressOf(path))}`]
  if (hasKey) lines.push(`  -H "api-key: $VICINAL_API_KEY"`)
  // A body that begins with @ would name a file to --data-binary.
  if (body !== null) lines.push(`  -H ${shell(`content-type: ${type}`)}`, `  --data-raw ${shell(body)}`)
  return lines.join(' \\\n')
}

/** Within such quotes a shell reads nothing but their end. */
function shell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function typescript({ method, path, body, type = JSON_TYPE }: Request, hasKey: boolean): string {
  const headers = [
    ...(body === null ? [] : [`'content-type': ${script(type)}`]),
    ...(hasKey ? [`'api-key': process.env.VICINAL_API_KEY ?? ''`] : []),
  ]
  return [
    `const answer = await fetch(${script(addressOf(path))}, {`,
    `  method: '${method}',`,
    ...(headers.length === 0 ? [] : [`  headers: { ${headers.join(', ')} },`]),
    ...(body === null ? [] : [`  body: ${isLiteral(body, type) ? literal(body) : script(body)},`]),
    `})`,
    `const { result } = await answer.json()`,
  ].join('\n')
}

function script(text: string): string {
  return /^[^'\\\p{Cc}]*$/u.test(text) ? `'${text}'` : JSON.stringify(text)
}

function literal(body: string): string {
  return `JSON.stringify(${body.replaceAll('\n', '\n  ')})`
}

/** Whether JSON means the same as code: long integers lose digits there, and `__proto__` is no key. */
function isLiteral(body: string, type: string): boolean {
  if (type !== JSON_TYPE || /\d{16}|__proto__/.test(body)) return false
  try {
    JSON.parse(body)
    return true
  } catch {
    return false
  }
}

/** A JSON text inside quotes is a text of Python, too. */
function python({ method, path, body, type = JSON_TYPE }: Request, hasKey: boolean): string {
  const headers = [
    ...(body === null ? [] : [`"content-type": ${JSON.stringify(type)}`]),
    ...(hasKey ? [`"api-key": os.environ.get("VICINAL_API_KEY", "")`] : []),
  ]
  return [
    `import json, ${hasKey ? 'os, ' : ''}urllib.request`,
    ``,
    `request = urllib.request.Request(`,
    `    ${JSON.stringify(addressOf(path))},`,
    ...(body === null ? [] : [`    data=${JSON.stringify(body)}.encode(),`]),
    ...(headers.length === 0 ? [] : [`    headers={${headers.join(', ')}},`]),
    `    method="${method}",`,
    `)`,
    `result = json.load(urllib.request.urlopen(request))["result"]`,
  ].join('\n')
}
