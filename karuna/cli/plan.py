"""Plans of booked rides."""

from __future__ import annotations

from typing import Annotated

import typer

from karuna.cli.common import HomeOption, here, out, wait

app = typer.Typer(help="แผนรถรับส่ง (plans of booked rides): compare", no_args_is_help=True)


@app.command("compare")
def plan_compare(
    file: Annotated[typer.FileBinaryRead, typer.Argument(help="เนื้อของ POST /v1/plans/preview (its body, JSON)")],
    home: HomeOption = None,
) -> None:
    """เทียบแผนของระบบกับ OR-Tools ในโจทย์เดียวกัน (our plan beside OR-Tools' of the same day, both checked)."""
    from karuna.show import print_opinions

    wait(print_opinions(out, here(home), file.read()))
