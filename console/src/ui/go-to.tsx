import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";

/** Leads to another page, once. The router's own `Navigate` goes again with each render, which never ends where the way there renders this page again. */
export function GoTo({ address }: { readonly address: string }): null {
  const { history } = useRouter();
  const [first] = useState(address);
  useEffect(() => {
    history.replace(first);
  }, [first, history]);
  return null;
}
