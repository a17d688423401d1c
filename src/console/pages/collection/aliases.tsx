import { useState } from 'preact/hooks'
import { ErrorLine, Section } from '../../parts/basics'
import { Confirm } from '../../parts/confirm'
import { useAsked } from '../../service/polled'
import { useMay } from '../../service/rights'
import { ask } from '../../service/session'

interface Listed {
  aliases: { alias_name: string }[]
}

export function Aliases({ name }: { name: string }) {
  const path = `/collections/${encodeURIComponent(name)}/aliases`
  const listed = useAsked((signal) => ask<Listed>('GET', path, undefined, signal), [path])
  const mayChange = useMay('all', name)
  const [alias, setAlias] = useState('')
  const [removed, setRemoved] = useState<string | null>(null)
  const [error, setError] = useState<Error | null>(null)
  const change = (action: object) => ask('POST', '/collections/aliases', { actions: [action] })
  const add = async (event: Event) => {
    event.preventDefault()
    try {
      await change({ create_alias: { alias_name: alias, collection_name: name } })
      setError(null)
      setAlias('')
      listed.again()
    } catch (failure) {
      setError(failure as Error)
    }
  }
  return (
    <Section title="Aliases">
      <ul class="chips">
        {listed.value?.aliases.map(({ alias_name }) => (
          <li key={alias_name} class="chip">
            {alias_name}
            <button
              type="button"
              hidden={!mayChange}
              aria-label={`Remove the alias ${alias_name}`}
              onClick={() => setRemoved(alias_name)}
            >
              ×
            </button>
          </li>
        ))}
      </ul>
      <form class="row" onSubmit={add} hidden={!mayChange}>
        <input
          aria-label="New alias"
          placeholder="New alias"
          value={alias}
          onInput={(event) => setAlias(event.currentTarget.value)}
        />
        <button type="submit" disabled={alias === ''}>
          Add it
        </button>
      </form>
      <ErrorLine error={error ?? listed.error} />
      {removed !== null && (
        <Confirm
          title="Remove the alias"
          text={`Requests that name ${removed} find no collection any more. ${name} stays.`}
          name={removed}
          action="Remove it"
          run={async () => {
            await change({ delete_alias: { alias_name: removed } })
          }}
          onDone={() => {
            setRemoved(null)
            listed.again()
          }}
        />
      )}
    </Section>
  )
}
