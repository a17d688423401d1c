import { useState } from 'preact/hooks'
import { Section } from '../../parts/basics'
import { Code } from '../../parts/code'
import { addressOf } from '../../service/session'

/** The same request for a terminal and for two languages. The key is never part of it. */
export function RequestTexts({ path, body }: { path: string; body: string }) {
  const [kind, setKind] = useState<keyof typeof TEXTS>('curl')
  const text = TEXTS[kind](path, body)
  const choice = (
    <div class="row">
      <select
        aria-label="Language of the request"
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
      <Code label={`The request as ${kind}`} text={text} />
    </Section>
  )
}

const TEXTS = { curl, TypeScript: typescript, Python: python }

function curl(path: string, body: string): string {
  return [
    `curl -s '${addressOf(`${path}/points/query`)}' \\`,
    `  -H "api-key: $VICINAL_API_KEY" -H 'content-type: application/json' \\`,
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
  ].join('\n')
}

function typescript(path: string, body: string): string {
  return [
    `const answer = await fetch('${addressOf(`${path}/points/query`)}', {`,
    `  method: 'POST',`,
    `  headers: { 'content-type': 'application/json', 'api-key': process.env.VICINAL_API_KEY ?? '' },`,
    `  body: JSON.stringify(${body.replaceAll('\n', '\n  ')}),`,
    `})`,
    `const { result } = await answer.json()`,
  ].join('\n')
}

/** A JSON text inside quotes is a text of Python, too. */
function python(path: string, body: string): string {
  return [
    `import json, os, urllib.request`,
    ``,
    `body = ${JSON.stringify(JSON.stringify(JSON.parse(body)))}`,
    `request = urllib.request.Request(`,
    `    "${addressOf(`${path}/points/query`)}",`,
    `    body.encode(),`,
    `    {"content-type": "application/json", "api-key": os.environ.get("VICINAL_API_KEY", "")},`,
    `)`,
    `result = json.load(urllib.request.urlopen(request))["result"]`,
  ].join('\n')
}
