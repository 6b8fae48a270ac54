import { useEffect, useRef } from 'react';

/** What a key does, for the handler and for the table that shows all. */
export interface KeyBinding {
  readonly keys: readonly string[];
  readonly does: string;
  readonly run: () => void;
}

/** nameOf writes a key press as bindings name it: "Space", "J", "Shift+Left". */
function nameOf(e: KeyboardEvent): string {
  const key = e.key === ' ' ? 'Space' : e.key.startsWith('Arrow') ? e.key.slice(5) : e.key;
  const name = key.length === 1 ? key.toUpperCase() : key;
  return e.shiftKey && name.length > 1 ? `Shift+${name}` : name;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** takesSpace says that the focused element has its own use for the key. */
function hasOwnUse(target: EventTarget | null, name: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  const pressable = target.closest('button, a, [role="option"], [role="menuitem"]') !== null;
  return pressable && (name === 'Space' || name === 'Enter');
}

/** useKeys runs bindings while nobody is typing and no dialog is open. */
export function useKeys(bindings: readonly KeyBinding[], enabled: boolean) {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    if (!enabled) return;
    const onKeyDown = (e: KeyboardEvent) => {
      if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
      const name = nameOf(e);
      if (isTyping(e.target) || hasOwnUse(e.target, name)) return;
      if (document.querySelector('[role="dialog"][aria-modal="true"]')) return;
      const binding = latest.current.find((b) => b.keys.includes(name));
      if (!binding) return;
      e.preventDefault();
      binding.run();
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, [enabled]);
}
