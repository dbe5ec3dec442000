from makegood.app.cli import main

main()
