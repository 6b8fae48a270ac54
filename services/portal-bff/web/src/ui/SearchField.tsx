import { CloseButton, TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { useRef } from 'react';
import { Icons } from './icons';

interface Props {
  value: string;
  onChange: (value: string) => void;
  placeholder: string;
}

/** SearchField filters the list below it; "/" jumps into it, Escape empties it. */
export function SearchField({ value, onChange, placeholder }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => input.current?.focus()]]);
  return (
    <TextInput
      ref={input}
      size="xs"
      w={280}
      aria-label={placeholder}
      placeholder={placeholder}
      value={value}
      onChange={(e) => onChange(e.currentTarget.value)}
      onKeyDown={(e) => e.key === 'Escape' && onChange('')}
      leftSection={<Icons.Search size={14} />}
      rightSection={
        value === '' ? (
          <kbd>/</kbd>
        ) : (
          <CloseButton size="xs" aria-label="Clear" onClick={() => onChange('')} />
        )
      }
    />
  );
}
